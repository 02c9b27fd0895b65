/* SPDX-License-Identifier: MIT
 *
 * program.c: a sequence as text: the list of its calls, and a test as those of the conformance suite, which fails on an
 * implementation that contradicts the model.
 *
 * Each process of the sequence becomes a CHILD, with another one in its place after its end, and the test's body tells
 * them in turn to go on; a sequence of one process that does not end is the body itself.
 */
#include <sys/shm.h>

#include "fuzz.h"

/* How a process becomes its user, as in engine.c. */
static const char *const become_lines[PROCESSES] = {
        NULL,
        "become(USER_A, GROUP_A, NULL, 0);",
        "MUST(setresgid(GROUP_B, GROUP_A, GROUP_A) == -1 || setgroups(0, NULL) == -1 || setresuid(USER_C, USER_B, USER_B));",
        "become(USER_C, GROUP_B, (gid_t[]){GROUP_C}, 1);",
};

/* The identifier as the requirement's enumerator. */
static void put_enumerator(FILE *out, enum ipck_requirement requirement)
{
        for (const char *c = ipck_requirement_ids[requirement]; *c; c++)
                fputc(*c == '.' || *c == '-' ? '_' : *c, out);
}

void print_identifier(FILE *out, const struct item *item, const struct record *record)
{
        switch ((enum which)item->which) {
        case CURRENT: fprintf(out, "id[%d]", record->object); break;
        case REMOVED: fprintf(out, "removed[%d]", item->object); break;
        case OTHER_SEQUENCE: fprintf(out, "(id[%d] ^ %#x)", record->named, INDEXES << 4); break;
        case SIGN_BIT: fprintf(out, "(INT32_MIN + id[%d])", record->named); break;
        case UNUSED: fprintf(out, "%d", 0x7ff0 + item->object); break;
        case NEGATIVE: fputs("-1", out); break;
        case MOST_NEGATIVE: fputs("INT32_MIN", out); break;
        }
}

void print_timeout(FILE *out, const struct item *item)
{
        const struct timespec *const timeout = timeout_of(item);

        if (item->until == BAD_TIMEOUT)
                fputs(", bad_address()", out);
        else if (!timeout)
                fputs(", NULL", out);
        else
                fprintf(out, ", &(struct timespec){%lld, %ld}", (long long)timeout->tv_sec, timeout->tv_nsec);
}

/* ---- one item ---- */

#define TAB "        "

/* A number of the run in the terms of the test: an identifier or a process, or the number itself. */
static void put_number(FILE *out, const struct world *w, const struct item *item, int64_t number)
{
        for (int p = 0; p < PROCESSES; p++)
                if (number > 1 && number == w->actor[p].pid) {
                        fprintf(out, "pid[%d]", p);
                        return;
                }
        for (int i = 0; i < OBJECTS; i++)
                if (number > 0 && number == w->thing[item->family][i].id) {
                        fprintf(out, "id[%d]", i);
                        return;
                }
        fprintf(out, "%lld", (long long)number);
}

static void put_call(FILE *out, const struct item *item, const struct record *record)
{
        families[item->family]->print(out, item, record);
}

/* What the last item of the sequence must do. */
static void put_verdict(FILE *out, const char *indent, const struct world *w, const struct item *item,
                        const struct record *record)
{
        const struct contradiction *const why = &w->why;
        char text[256];

        describe_contradiction(why, text, sizeof(text));
        fprintf(out, "%s/* %s */\n%s", indent, text, indent);
        if (strcmp(why->what, "errno") == 0 && why->want) {
                fputs("FAILS_WITH(", out);
                put_enumerator(out, why->requirement);
                fprintf(out, ", %s, ", errno_name((int)why->want));
                put_call(out, item, record);
                fputs(");\n", out);
                return;
        }
        fputs("EQ(", out);
        put_enumerator(out, why->requirement);
        fputs(", ", out);
        if (strcmp(why->what, "result") == 0) {
                put_call(out, item, record);
                fputs(", ", out);
                put_number(out, w, item, why->want);
        } else if (strcmp(why->what, "errno") != 0 && families[item->family]->print_member(out, item, record, why)) {
                fputs(", ", out);
                put_number(out, w, item, why->want);
        } else {
                fputs("worked((int)(intptr_t)", out);
                put_call(out, item, record);
                fputs("), 0", out);
        }
        fputs(");\n", out);
}

static void put_item(FILE *out, const char *indent, const struct world *w, int at)
{
        const struct item *const item = &w->item[at];
        const struct record *const record = &w->record[at];

        if (record->object == NO_OBJECT)
                return;
        if (at == w->at) {
                put_verdict(out, indent, w, item, record);
                return;
        }
        fputs(indent, out);
        if (record->value == -1 && record->error) {
                fputs("REQUIRE((", out);
                put_call(out, item, record);
                fprintf(out, ") == -1 && errno == %s);\n", errno_name(record->error));
                return;
        }
        if (is_get(item))
                fprintf(out, "id[%d] = (int)", record->object);
        else if (is_open(item))
                fprintf(out, "open_in[%d][%d] = (__typeof__(**open_in))", item->process, record->place);
        fputs("MUST(", out);
        put_call(out, item, record);
        fputs(");\n", out);
        if (item->call == CALL_shmat && !(item->flags & SHM_RDONLY))
                fprintf(out, "%s*(unsigned *)open_in[%d][%d] = %u;\n", indent, item->process, record->place,
                        item->text);
        if (is_control(item) && item->command == IPC_RMID && item->which == CURRENT)
                fprintf(out, "%sremoved[%d] = id[%d];\n", indent, record->object, record->object);
}

/* ---- the processes ---- */

/* The item after the last one, from here on, that the process carries out before its end. */
static int end_of_life(const struct world *w, int from, int process)
{
        for (int i = from; i < w->items; i++)
                if (w->item[i].process == process && w->item[i].call == CALL_exit)
                        return i;
        return w->items;
}

static int next_of(const struct world *w, int from, int process)
{
        while (from < w->items && w->item[from].process != process)
                from++;
        return from;
}

/* One life of a process as a CHILD: what it does between turns. Returns how many turns it has. */
static int put_child(FILE *out, const struct world *w, int life, int process, int from)
{
        const int end = end_of_life(w, from, process);
        int turns = 0;

        fprintf(out, TAB "CHILD(&process[%d]) {\n" TAB TAB "pid[%d] = getpid();\n", life, process);
        if (become_lines[process])
                fprintf(out, TAB TAB "%s\n" TAB TAB "umask(%#o);\n", become_lines[process], w->actor[process].umask);
        for (int i = next_of(w, from, process); i < end; i = next_of(w, i, process)) {
                fprintf(out, TAB TAB "await(&process[%d], %d);\n", life, ++turns);
                for (; i < end && w->item[i].process == process; i++)
                        put_item(out, TAB TAB, w, i);
                fprintf(out, TAB TAB "here(&process[%d], %d);\n", life, turns);
        }
        if (end < w->items && w->item[end].flags)
                fprintf(out, TAB TAB "stay(&process[%d]);\n", life);
        fputs(TAB "}\n", out);
        return turns;
}

struct lives {
        int of[PROCESSES], turn[PROCESSES], count;
};

static void put_turns(FILE *out, const struct world *w, struct lives *lives)
{
        for (int i = 0; i < w->items;) {
                const int process = w->item[i].process;
                if (lives->of[process] == -1) {
                        lives->of[process] = lives->count++;
                        lives->turn[process] = 0;
                        put_child(out, w, lives->of[process], process, i);
                }
                const int life = lives->of[process];
                if (w->item[i].call == CALL_exit) {
                        fprintf(out, w->item[i].flags ? TAB "kill_child(&process[%d]);\n"
                                : TAB "join(&process[%d]);\n", life);
                        lives->of[process] = -1;
                        i++;
                        continue;
                }
                fprintf(out, TAB "tell(&process[%d], %d);\n" TAB "UNTIL(at(&process[%d]) == %d);\n", life,
                        lives->turn[process] + 1,
                        life, lives->turn[process] + 1);
                lives->turn[process]++;
                while (i < w->items && w->item[i].process == process && w->item[i].call != CALL_exit)
                        i++;
        }
        for (int p = 0; p < PROCESSES; p++)
                if (lives->of[p] != -1)
                        fprintf(out, TAB "join(&process[%d]);\n", lives->of[p]);
}

static bool is_one_process(const struct world *w)
{
        for (int i = 0; i < w->items; i++)
                if (w->item[i].process != w->item[0].process || w->item[i].call == CALL_exit)
                        return false;
        return true;
}

static int most_lives(const struct world *w)
{
        int lives = PROCESSES;

        for (int i = 0; i < w->items; i++)
                lives += w->item[i].call == CALL_exit;
        return lives;
}

void print_test(FILE *out, const struct world *w)
{
        struct lives lives = {.of = {-1, -1, -1, -1}};

        fprintf(out,
                "#include <grp.h>\n#include <limits.h>\n#include <sys/stat.h>\n\n#include \"%s\"\n\nTEST(fuzz_seed_%" PRIu64 ", VERIFIES(", families[w->item[0].family]->header,
                stress_options.seed);
        put_enumerator(out, w->why.requirement);
        fprintf(out,
                "))\n{\n" TAB "int *const id = shared(%d * sizeof(*id)), *const removed = shared(%d * sizeof(*removed));\n", OBJECTS,
                OBJECTS);
        fprintf(out, TAB "int *const pid = shared(%d * sizeof(*pid));\n%s\n", PROCESSES,
                families[w->item[0].family]->declarations);
        fprintf(out, TAB "for (int i = 0; i < %d; i++)\n" TAB TAB "id[i] = removed[i] = 0x7ff0 + i;\n", OBJECTS);
        if (is_one_process(w)) {
                fprintf(out, TAB "pid[%d] = getpid();\n", w->item[0].process);
                if (become_lines[w->item[0].process])
                        fprintf(out, TAB "%s\n" TAB "umask(%#o);\n", become_lines[w->item[0].process],
                                w->actor[w->item[0].process].umask);
                for (int i = 0; i < w->items; i++)
                        put_item(out, TAB, w, i);
        } else {
                fprintf(out, TAB "struct child process[%d];\n\n", most_lives(w));
                put_turns(out, w, &lives);
        }
        fputs("}\n", out);
}

/* Where it could not be shrunk, the last items are what helps. */
enum { MOST_LISTED = 40 };

/* A call with an array may be very long. */
static void put_short_call(FILE *out, const struct item *item, const struct record *record)
{
        enum { LONGEST = 160 };
        char *text = NULL;
        size_t size = 0;
        FILE *const whole = open_memstream(&text, &size);

        if (!whole)
                return;
        put_call(whole, item, record);
        fclose(whole);
        fprintf(out, size > LONGEST ? "%.*s.." : "%.*s", LONGEST, text);
        free(text);
}

void print_sequence(FILE *out, const struct world *w)
{
        fputs("/*\n", out);
        for (int i = w->at > MOST_LISTED ? w->at - MOST_LISTED : 0; i <= w->at; i++) {
                const struct item *const item = &w->item[i];
                const struct record *const record = &w->record[i];
                if (item->call != CALL_exit && record->object == NO_OBJECT)
                        continue;
                fprintf(out, " * process %d: ", item->process);
                if (item->call == CALL_exit) {
                        fputs(item->flags ? "is killed\n" : "exits\n", out);
                        continue;
                }
                put_short_call(out, item, record);
                if (i == w->at)
                        fprintf(out, " = %s\n", w->outcome);
                else if (record->value == -1 && record->error)
                        fprintf(out, " = -1 %s\n", errno_name(record->error));
                else
                        fprintf(out, " = %lld\n", (long long)record->value);
        }
        fputs(" */\n", out);
}
