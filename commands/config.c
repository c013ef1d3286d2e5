/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * config: checks a configuration and prints the one in force, or what is generated from the
 * table of settings.
 */
#include "commands/help.h"

static int config_run(struct env *env, const struct args *args, struct settings *settings)
{
    struct buf out;
    enum err e;

    (void)env;
    buf_init(&out, HELP_BYTES_MAX);
    if (args_flag(args, "schema"))
        e = settings_schema(&out);
    else if (args_flag(args, "markdown"))
        e = settings_markdown(&out);
    else
        e = settings_print(settings, &out);
    if (!e)
        command_print((struct str){out.p, out.n});
    buf_clear(&out);
    return e ? command_error(e, NULL) : 0;
}

static const struct option_spec options[] = {
    {.name = "schema",
     .kind = OPTION_FLAG,
     .help = "print the JSON Schema of configurations, for editors"},
    {.name = "markdown", .kind = OPTION_FLAG, .help = "print the reference of all settings"},
    {.name = NULL},
};

const struct command command_config = {
    .name = "config",
    .summary = "check a configuration and print the one in force",
    .text =
        "Reads settings from the file, the environment and the command line, as other commands "
        "do, and checks them. If all is well it prints the settings in force, every default "
        "spelled out: a file to start your own from. Otherwise it says what is wrong, where, and "
        "what would be right.",
    .examples = "tillstream config > shop.json\n"
                "tillstream config -c shop.json\n"
                "tillstream config --set windows.day.keep=90d --set timezone=Europe/London\n"
                "tillstream config --schema > shop.schema.json",
    .options = options,
    .takes_settings = true,
    .run = config_run,
    .group = "Configuration and help",
};
