/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * model: what the models have learned: its parts, as a file and back, and forgetting it.
 *
 * ls and show read what is stored. That may be less than what was learned: the rest is learned
 * again from the ledger at the next start. So export has the models saved first. That, import
 * and reset are errands: a run that holds the database does them.
 */
#include "commands/args.h"
#include "commands/errand.h"
#include "commands/print.h"
#include "engine/model_file.h"
#include "engine/store/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPEN_MS 1500
#define CELLS_MAX 8

struct deed {
    struct env *env;
    const char *db;
    const char *what; /* NAME or FILE */
    struct reader_db *reader;
};

/* ---- ls and show ---- */

struct listing {
    const char *sql;
    const struct print_column *columns;
    int n_columns;
};

#define OF_MODELS " FROM state WHERE name LIKE 'models/%'"
/* The word behind "models/". */
#define MODEL "substr(name, 8, instr(substr(name, 8) || '/', '/') - 1)"

static const struct print_column model_columns[] = {
    {.name = "model"},
    {.name = "version", .kind = PRINT_ID},
    {.name = "parts"},
    {.name = "bytes"},
};
static const struct print_column part_columns[] = {
    {.name = "part"},
    {.name = "version", .kind = PRINT_ID},
    {.name = "bytes"},
    {.name = "checksum"},
};

static const struct listing models = {
    .sql = "SELECT " MODEL ", max(version), count(*), sum(length(data))" OF_MODELS
           " AND ?1 IS NOT NULL"
           " GROUP BY 1 ORDER BY 1",
    .columns = model_columns,
    .n_columns = countof(model_columns),
};
static const struct listing parts = {
    .sql = "SELECT name, version, length(data), printf('%08x', crc32)" OF_MODELS " AND (" MODEL
           " = ?1 OR name = ?1) ORDER BY name",
    .columns = part_columns,
    .n_columns = countof(part_columns),
};

struct sheet {
    struct print *print;
    uint64_t rows;
};

static enum err print_one(void *arg, int n, const char *const *names, const struct value *values)
{
    struct sheet *s = arg;

    (void)n;
    (void)names;
    s->rows++;
    return print_row(s->print, values);
}

static enum err print_list(struct deed *d, const struct listing *l, uint64_t *rows, struct why *why)
{
    const struct print_setup setup = {.out = stdout,
                                      .columns = l->columns,
                                      .n_columns = l->n_columns,
                                      .width = print_width(stdout)};
    const struct value what = {.kind = VALUE_TEXT, .text = str_of(d->what ? d->what : "")};
    const struct question ask = {.sql = l->sql, .parameters = &what, .n_parameters = 1};
    struct sheet sheet = {.rows = 0};
    enum err e = print_open(&setup, &sheet.print);

    if (!e)
        e = reader_db_ask(d->reader, &ask, print_one, &sheet, why);
    *rows = sheet.rows;
    if (!e && sheet.rows)
        e = print_end(sheet.print);
    print_close(sheet.print);
    return e;
}

static enum err nothing_there(const struct deed *d, struct why *why)
{
    return why_set(why, ERR_NOT_FOUND,
                   "nothing is saved yet of what was learned in %s: a run with the setting models "
                   "does that after each MiB of its ledger, or `tillstream model export`",
                   d->db);
}

static enum err list(struct deed *d, struct why *why)
{
    uint64_t rows = 0;
    enum err e = print_list(d, &models, &rows, why);

    return e || rows ? e : nothing_there(d, why);
}

static enum err show(struct deed *d, struct why *why)
{
    uint64_t rows = 0;
    enum err e = print_list(d, &parts, &rows, why);

    return e || rows ? e
                     : why_set(why, ERR_NOT_FOUND,
                               "there is no model \"%.64s\" in %s; see tillstream model ls",
                               d->what, d->db);
}

/* ---- errands ---- */

static enum err send(const struct deed *d, const char *kind, const char *argument, bool quiet,
                     struct why *why)
{
    const struct errand errand = {.env = d->env,
                                  .db = d->db,
                                  .reader = d->reader,
                                  .request = {.kind = kind, .argument = argument},
                                  .about = "",
                                  .quiet = quiet,
                                  .failed = "the models could not be reached"};

    return errand_run(&errand, why);
}

static enum err import_models(struct deed *d, struct why *why)
{
    char *path = NULL;
    enum err e = ERR_OK;

    if (access(d->what, R_OK) != 0)
        return why_set(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", d->what,
                       strerror(errno));
    e = lock_real_path(d->what, &path, why); /* the run may be in another directory */
    if (!e)
        e = send(d, "model-import", path, false, why);
    free(path);
    return e;
}

static enum err reset_models(struct deed *d, struct why *why)
{
    return send(d, "model-reset", "", false, why);
}

/* ---- export ---- */

struct export
{
    struct model_file head;
    struct buf file;
};

static enum err take_key(void *arg, int n, const char *const *names, const struct value *v)
{
    struct export *x = arg;
    struct str text = v[0].kind == VALUE_TEXT ? v[0].text : STR("");

    (void)n;
    (void)names;
    x->head.n_keys++;
    x->head.keys_hash = model_file_key(x->head.keys_hash, str_hash(text));
    return ERR_OK;
}

static enum err take_head(void *arg, int n, const char *const *names, const struct value *v)
{
    struct export *x = arg;

    (void)n;
    (void)names;
    x->head.ledger_seq = (uint64_t)v[0].whole;
    x->head.n_parts = (uint32_t)v[1].whole;
    return ERR_OK;
}

static enum err take_part(void *arg, int n, const char *const *names, const struct value *v)
{
    struct export *x = arg;
    struct str data = v[2].kind == VALUE_TEXT ? v[2].text : STR("");

    (void)n;
    (void)names;
    return model_file_part(&x->file, v[0].text, (uint32_t)v[1].whole, data);
}

static enum err begin(struct deed *d, struct why *why)
{
    static const struct question ask = {.sql = "BEGIN"};

    return reader_db_ask(d->reader, &ask, take_head, NULL, why);
}

static enum err gather(struct deed *d, struct export *x, struct why *why)
{
    static const struct question keys = {.sql = "SELECT text FROM \"key\" ORDER BY id"};
    static const struct question head = {
        .sql = "SELECT (SELECT coalesce(max(seq), 0) FROM ledger), count(*)" OF_MODELS};
    static const struct question all = {.sql = "SELECT name, version, data" OF_MODELS
                                               " ORDER BY name"};
    enum err e = begin(d, why);

    if (!e)
        e = reader_db_ask(d->reader, &head, take_head, x, why);
    if (!e && x->head.n_parts == 0)
        return nothing_there(d, why);
    if (!e)
        e = reader_db_ask(d->reader, &keys, take_key, x, why);
    if (!e)
        e = model_file_begin(&x->file, &x->head);
    if (!e)
        e = reader_db_ask(d->reader, &all, take_part, x, why);
    return e ? e : model_file_end(&x->file);
}

static enum err write_file(const char *path, const struct buf *file, struct why *why)
{
    FILE *out = fopen(path, "wb");
    bool failed = !out || fwrite(file->p, 1, file->n, out) != file->n;

    if (out)
        failed = fclose(out) || failed;
    if (!failed)
        return ERR_OK;
    (void)why_set(why, ERR_IO, "%s could not be written: %s", path, strerror(errno));
    if (out)
        (void)remove(path);
    return ERR_IO;
}

static enum err export_models(struct deed *d, struct why *why)
{
    struct export x = {.head = {.n_keys = 0}};
    char number[32];
    enum err e;

    buf_init(&x.file, MODEL_FILE_MAX);
    e = send(d, "model-save", "", true, why);
    if (!e)
        e = gather(d, &x, why);
    if (!e)
        e = write_file(d->what, &x.file, why);
    if (!e)
        (void)printf("%s: %u parts, %s bytes\n", d->what, x.head.n_parts,
                     print_grouped((int64_t)x.file.n, number));
    buf_clear(&x.file);
    return e;
}

/* ---- the command ---- */

static const struct {
    const char *name;
    const char *operand; /* what follows it, NULL: nothing */
    enum err (*run)(struct deed *d, struct why *why);
} deeds[] = {
    {"ls", NULL, list},
    {"show", "NAME: a model, as listed by `tillstream model ls`", show},
    {"export", "FILE: where to", export_models},
    {"import", "FILE: where from", import_models},
    {"reset", NULL, reset_models},
};
static const char *const deed_names[] = {"ls", "show", "export", "import", "reset", NULL};

static enum err run_deed(struct deed *d, size_t which, struct why *why)
{
    enum err e = ERR_OK;

    if (deeds[which].operand && !d->what)
        return why_set(why, ERR_USAGE, "model %s needs %s", deeds[which].name,
                       deeds[which].operand);
    if (!deeds[which].operand && d->what)
        return why_set(why, ERR_USAGE, "model %s takes nothing after it, not \"%.64s\"",
                       deeds[which].name, d->what);
    e = reader_db_open(d->env, d->db, OPEN_MS, &d->reader, why);
    if (!e)
        e = deeds[which].run(d, why);
    reader_db_close(d->reader);
    return e;
}

static int model_run(struct env *env, const struct args *args, struct settings *settings)
{
    struct deed d = {.env = env, .db = settings->db, .what = args_operand(args, 1)};
    struct why why = {.text = ""};
    size_t which = 0;
    enum err e;

    while (strcmp(deeds[which].name, args_operand(args, 0)) != 0)
        which++; /* it is one of the choices */
    e = run_deed(&d, which, &why);
    return e ? command_error(e, &why) : 0;
}

static const struct option_spec options[] = {{.name = NULL}};

static const struct operand_spec operands[] = {
    {.name = "WHAT", .help = "what to do", .min = 1, .max = 1, .choices = deed_names},
    {.name = "OPERAND",
     .help = "of show: a model; of export and import: a file",
     .max = 1,
     .is_file = true},
    {.name = NULL},
};

const struct command command_model = {
    .name = "model",
    .summary = "list what the models have learned, keep, bring back or forget it",
    .text =
        "ls lists the models with the size of what is saved of them, and show the parts of one "
        "with their checksums. A run saves after each MiB of its ledger; the rest is learned again "
        "from the ledger when it starts. How good forecasts were is told by "
        "`tillstream query forecasts --scores`, how good flags were by `tillstream evaluate`.\n\n"
        "export saves all models and writes them into one file, import brings them back: into the "
        "database they "
        "are from, a copy, or one that counted the same sales in the same order, since what was "
        "learned is about numbered keys. What was sold between export and import is not learned "
        "again. reset makes the models forget everything and start anew. Verdicts, anomalies, "
        "forecasts and what people said stay as they are.\n\n"
        "export, import and reset: beside a run that holds the database the run does it, within a "
        "moment. "
        "Without one it is done at once, by the settings of the last run.",
    .examples = "tillstream model ls --db shop.db\n"
                "tillstream model show detect\n"
                "tillstream model export shop.model\n"
                "tillstream model import shop.model\n"
                "tillstream model reset\n",
    .options = options,
    .operands = operands,
    .takes_settings = true,
    .run = model_run,
};
