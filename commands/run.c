/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * run: consume a source into the database until it ends (or, with --follow, until it is
 * stopped).
 *
 * On a terminal a progress line is rewritten a few times a second; in a pipe it is quiet
 * but for warnings. At the end one line on stderr says what became of the records.
 */
#include "commands/command.h"
#include "commands/progress_line.h"
#include "connectors/courier.h"
#include "engine/pipeline.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 100 /* longest wait for new input: how soon a signal is seen */

static const struct codec_kind *const codecs[] = {&codec_json, &codec_csv, NULL};

struct run {
    struct env *env;
    struct settings *settings;
    struct store *store;
    struct courier *courier; /* NULL: nobody is told */
    struct pipeline *pipeline;
    struct progress_line line;
};

/* Whether standard input is a pipe, a socket or a file, not a terminal or /dev/null. */
static bool input_waits(void)
{
    struct stat about;

    return fstat(STDIN_FILENO, &about) == 0 &&
           (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) || S_ISREG(about.st_mode));
}

static enum err open_run(struct run *r, const struct args *args, struct why *why)
{
    const char *locator = args_operand(args, 0);
    const struct store_options options = {
        .path = r->settings->db, .helper = r->settings->threads > 0, .env = r->env};

    if (!locator && !input_waits())
        return why_set(why, ERR_USAGE,
                       "which source? Name a file, or '-' for standard input: "
                       "tillstream run sales.csv (see tillstream run --help)");
    enum err e = store_open(&options, &r->store, why);
    if (!e && r->settings->alert[0])
        e = courier_open(r->env, r->settings, &r->courier, why);
    const struct pipeline_setup setup = {
        .env = r->env,
        .settings = r->settings,
        .store = r->store,
        .fold = &fold_windows,
        .model = r->settings->models ? &model_shop : NULL,
        .source = &source_file,
        .locator = locator ? locator : "-",
        .follow = args_flag(args, "follow"),
        .codec_for = codec_for,
        .codecs = codecs,
        .before_commit = r->courier ? courier_results : NULL,
        .before_commit_arg = r->courier,
    };
    return e ? e : pipeline_open(&setup, &r->pipeline, why);
}

static void announce(const struct run *r, const struct args *args)
{
    const char *locator = args_operand(args, 0);

    if ((!locator || (locator[0] == '-' && !locator[1])) && !args_flag(args, "quiet"))
        env_log(r->env, LOG_INFO,
                "reading standard input: it can't be resumed, a new run counts it again");
}

/* Turns until the source ends, fails, or the user asks to stop. */
static enum err turn_until_done(struct run *r, struct why *why)
{
    enum err e = ERR_OK;

    while ((e == ERR_OK || e == ERR_AGAIN) && !r->env->stop) {
        e = pipeline_turn(r->pipeline, WAIT_MS, why);
        progress_line_show(&r->line, r->pipeline);
    }
    if (e == ERR_END)
        return ERR_OK;
    if (e == ERR_OK || e == ERR_AGAIN) {
        pipeline_rest(r->pipeline);
        e = pipeline_commit(r->pipeline, why);
    }
    return e;
}

static int run_source(struct env *env, const struct args *args, struct settings *settings)
{
    struct run r = {.env = env, .settings = settings};
    struct why why = {""};

    if (args_flag(args, "strict"))
        settings->strict = true;
    enum err e = open_run(&r, args, &why);
    if (!e) {
        announce(&r, args);
        progress_line_open(&r.line, env, args_flag(args, "quiet"));
        e = turn_until_done(&r, &why);
        if (!e && r.courier)
            e = courier_finish(r.courier, r.pipeline, &why);
        progress_line_close(&r.line, r.pipeline, settings->db, e);
    }
    pipeline_close(r.pipeline);
    courier_close(r.courier);
    store_close(r.store);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {
    {.name = "follow",
     .kind = OPTION_FLAG,
     .help = "wait for more when the end is reached, as tail -F does"},
    {.name = "strict", .kind = OPTION_FLAG, .help = "stop at the first bad record"},
    {.name = "alert",
     .value = "WHERE",
     .kind = OPTION_TEXT,
     .help = "tell of flags: https://HOST/PATH, http://HOST/PATH or exec:COMMAND"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .help = "no progress, no summary"},
    {.name = NULL},
};

static const struct operand_spec operands[] = {
    {.name = "SOURCE",
     .help = "a .csv, .ndjson, .jsonl or .json file, also .gz, .xz or .zst; - is standard input",
     .max = 1,
     .is_file = true},
    {.name = NULL},
};

const struct command command_run = {
    .name = "run",
    .summary = "count a file or stream of sales into the database",
    .text = "Reads sales lines, keeps their windows and books, and writes the results to the "
            "database (setting `db`, tillstream.db unless named).\n\n"
            "Running the same source again goes on where it stopped: nothing is counted twice, "
            "also after a crash. A bad record goes to `rejects` and never stops the stream; a sale "
            "behind the watermark by more than allowed_lateness goes to `late`. "
            "Ctrl-C ends cleanly, with everything read so far committed.\n\n"
            "With --alert each flagged invoice is told once it is final: posted as JSON (its id is "
            "the Idempotency-Key), or given to a command on standard input, with "
            "TILLSTREAM_ALERT_ID and TILLSTREAM_ALERT_TEXT in its environment. A receiver that "
            "fails is tried again for a day and never holds up the stream. An address with a "
            "password is better given as TILLSTREAM_ALERT or in the file of -c, where other users "
            "can't see it.",
    .examples = "tillstream run sales.csv\n"
                "tillstream run --follow /var/log/till/sales.ndjson --db shop.db\n"
                "tillstream run --follow till.ndjson --alert 'exec:mail -s flag me@shop.example'\n"
                "zcat old/*.ndjson.gz | tillstream run - --db old.db\n"
                "tillstream run sales.csv --set date_order=dmy --set decimal_point=,\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = run_source,
};
