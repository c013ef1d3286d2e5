/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * sim: runs worlds by their seeds.
 *
 *     sim COUNT FIRST JOBS [tell]
 *
 * Seeds FIRST .. FIRST + COUNT - 1 are split among JOBS processes. Every third world is one of
 * shards, the others are shops. Every tenth seed, and a single one, is run twice: the two
 * trails must have the same hash. A world that fails, crashes the process or does not end
 * prints how to run it again. With `tell` a world says every step.
 */
#include "tests/sim/trail.h"

#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = 120, TOLD_MAX = 5, JOBS_MAX = 64 };

struct result {
    uint64_t seeds, failed, steps, crashes, commits, hash;
};

struct job {
    uint64_t first, count, step;
    bool twice, tell;
};

/* What a signal handler prints: the seed that runs. */
static char last_words[200];

static void die(int signal)
{
    if (write(STDOUT_FILENO, last_words, strlen(last_words)) < 0)
        _exit(3);
    _exit(signal == SIGALRM ? 4 : 5);
}

/* A single world is left to the debugger or the sanitizer. */
static void watch_over(uint64_t seed, bool alone)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
    struct sigaction act = {.sa_handler = die};

    (void)snprintf(last_words, sizeof(last_words),
                   "the world crashed or did not end in %d s; again: make sim SEED=%" PRIu64 "\n",
                   SECONDS_MAX, seed);
    for (size_t i = 0; !alone && i < countof(signals); i++)
        (void)sigaction(signals[i], &act, NULL);
    (void)alarm(SECONDS_MAX);
}

static struct trail run_world(uint64_t seed, const char *directory, bool tell)
{
    struct trail t = {.seed = seed, .tell = tell};

    if (seed % 3 == 2)
        shards_world(&t, directory);
    else
        shop_world(&t, directory);
    return t;
}

static void run_seed(const struct job *job, uint64_t seed, const char *directory,
                     struct result *sum)
{
    watch_over(seed, job->twice);
    struct trail t = run_world(seed, directory, job->tell);

    if (!t.failed && (job->twice || seed % 10 == 0)) {
        struct trail again = run_world(seed, directory, false);
        trail_check(&t, again.hash == t.hash && !again.failed,
                    "the same seed twice left other trails: %016" PRIx64 ", then %016" PRIx64,
                    t.hash, again.hash);
    }
    sum->seeds++;
    sum->steps += t.steps;
    sum->crashes += t.crashes;
    sum->commits += t.commits;
    sum->hash ^= t.hash;
    sum->failed += t.failed;
    if (t.failed && sum->failed <= TOLD_MAX)
        (void)printf("%s\nagain: make sim SEED=%" PRIu64 "\n", t.text, seed);
    (void)fflush(stdout);
}

/* The work of one process. A directory in memory is many times as fast. */
static struct result run_job(const struct job *job)
{
    char directory[] = "/dev/shm/tillstream-sim-XXXXXX", other[] = "/tmp/tillstream-sim-XXXXXX";
    const char *place = mkdtemp(directory);
    struct result sum = {.seeds = 0};

    place = place ? place : mkdtemp(other);
    if (!place)
        exit(2);
    for (uint64_t i = 0; i < job->count; i += job->step)
        run_seed(job, job->first + i, place, &sum);
    (void)rmdir(place);
    return sum;
}

/* Starts a process for a job; its result can be read from the returned end of a pipe. */
static int start(const struct job *job)
{
    int ends[2];

    if (pipe(ends))
        exit(2);
    pid_t child = fork();
    if (child < 0)
        exit(2);
    if (child > 0) {
        (void)close(ends[1]);
        return ends[0];
    }
    struct result sum = run_job(job);
    (void)!write(ends[1], &sum, sizeof(sum));
    exit(0);
}

static void add_up(struct result *to, int from)
{
    struct result one;

    if (read(from, &one, sizeof(one)) != (ssize_t)sizeof(one))
        one = (struct result){.seeds = 1, .failed = 1}; /* it told its seed */
    to->seeds += one.seeds;
    to->failed += one.failed;
    to->steps += one.steps;
    to->crashes += one.crashes;
    to->commits += one.commits;
    to->hash ^= one.hash;
    (void)close(from);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
    struct job job = {.count = argc > 1 ? strtoull(argv[1], NULL, 10) : 300,
                      .first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
                      .step = argc > 3 ? strtoull(argv[3], NULL, 10) : 1,
                      .tell = argc > 4};
    uint64_t first = job.first, count = job.count;
    int64_t began = now_ms();
    struct result sum = {.seeds = 0};
    int from[JOBS_MAX];

    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* for speed */
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    job.twice = count == 1;
    job.step = job.step < 1 ? 1 : job.step > JOBS_MAX ? JOBS_MAX : job.step;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t i = 0; i < job.step; i++) {
        job.first = first + i;
        job.count = count > i ? count - i : 0;
        from[i] = start(&job);
    }
    for (uint64_t i = 0; i < job.step; i++)
        add_up(&sum, from[i]);
    while (wait(NULL) > 0)
        continue;
    double seconds = (double)(now_ms() - began + 1) / 1000;
    (void)printf("%" PRIu64 " steps, %" PRIu64 " commits, %" PRIu64 " crashes, trail %016" PRIx64
                 ", %.0f seeds a second\n",
                 sum.steps, sum.commits, sum.crashes, sum.hash, (double)sum.seeds / seconds);
    (void)printf("sim: %" PRIu64 " seeds, %" PRIu64 " passed, %" PRIu64 " failed\n", sum.seeds,
                 sum.seeds - sum.failed, sum.failed);
    return sum.failed > 0;
}
