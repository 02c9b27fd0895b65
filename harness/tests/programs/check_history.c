/* SPDX-License-Identifier: MIT
 *
 * check_history.c: judges histories of a semaphore set that are written down, for the tests of the checker.
 *
 * On standard input the values before, and a line for each operation: worker, call, return ("-": never; "x": its process
 * was killed by the end of the history), what it is, and its result:
 *
 *      values 1 0
 *      at rest                         (whoever has not returned waits, and nothing more happens)
 *      1 0 10 op 0:-1 = 0              semop(); 0:-1,1:+1 for two entries, n behind one for IPC_NOWAIT, ? for a timeout
 *      2 5 20 get 0 = 1                GETVAL; all = 1 0: GETALL; set 0 3 = 0: SETVAL; end 1 = 0: the end of process 1
 *      3 6 - op 0:-1u                  SEM_UNDO; the process has the number of the worker
 *
 * A worker's lines follow one another. An error is written by its name, and "asleep N" at the end is when the worker was
 * seen waiting. Prints the finding, and for a violation the line and its requirement, then the lines that are left.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../stress/history/checker.h"
#include "../../../stress/model/sem.h"

enum { MOST_LINES = 20000, MOST_LENGTH = 200 };

static char lines[MOST_LINES][MOST_LENGTH];
static struct event events[MOST_LINES];
static struct actor actors[MODEL_PROCESSES];
static struct sem_set first;
static size_t sems, count;

static _Noreturn void refuse(const char *line)
{
        fprintf(stderr, "no history: %s", line);
        exit(2);
}

static int error_number(const char *name)
{
        static const struct {
                const char *name;
                int number;
        } errors[] = {{"EAGAIN", EAGAIN}, {"EINTR", EINTR}, {"EIDRM", EIDRM}, {"ERANGE", ERANGE}, {"EINVAL", EINVAL}};

        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
                if (strncmp(name, errors[i].name, strlen(errors[i].name)) == 0)
                        return errors[i].number;
        return 0;
}

static void read_entries(struct event *e, const char *text)
{
        static const struct timespec soon = {.tv_nsec = 1000};
        char *at = (char *)text;

        for (e->operation.size = 0; e->operation.size < 4; at++) {
                struct sembuf *const entry = &e->in.entries[e->operation.size++];
                entry->sem_num = (unsigned short)strtoul(at, &at, 10);
                if (*at++ != ':')
                        refuse(text);
                entry->sem_op = (short)strtol(at, &at, 10);
                entry->sem_flg = 0;
                for (; *at == 'n' || *at == 'u' || *at == '?'; at++) {
                        entry->sem_flg = (short)(entry->sem_flg | (*at == 'n' ? IPC_NOWAIT : *at == 'u' ? SEM_UNDO : 0));
                        if (*at == '?')
                                e->operation.timeout = &soon;
                }
                if (*at != ',')
                        break;
        }
        e->operation.entries = e->in.entries;
        e->hurries = e->operation.timeout || (e->in.entries[0].sem_flg & IPC_NOWAIT);
        e->never_waits = e->in.entries[0].sem_flg & IPC_NOWAIT || e->in.entries[0].sem_op > 0;
        if (e->operation.size == 1 && e->in.entries[0].sem_op < 0)
                e->queue = (uint64_t)e->in.entries[0].sem_num << 16 | (uint16_t)e->in.entries[0].sem_op;
        e->order = semop_wake_fifo;
}

static void read_result(struct event *e, const char *text)
{
        char *at = (char *)text;

        e->outcome.error = error_number(text);
        e->outcome.value = e->outcome.error ? -1 : 0;
        if (e->outcome.error)
                return;
        for (size_t i = 0; i < sems; i++)
                e->out.values[i] = (unsigned short)strtoul(at, &at, 10);
        if (e->operation.command == GETALL)
                e->outcome.values = e->out.values;
        else if (e->operation.command == GETVAL)
                e->outcome.value = e->out.values[0];
}

static void read_operation(const char *line)
{
        struct event *const e = &events[count];
        char end[30], what[10], argument[60];
        int after = 0, number = 0, value = 0;

        if (sscanf(line, "%u %" SCNu64 " %29s %9s %n", &e->worker, &e->called, end, what, &after) < 4)
                refuse(line);
        e->optional = e->killed = *end == 'x';
        e->returned = *end == '-' || *end == 'x' ? NEVER : strtoull(end, NULL, 10);
        e->received[0] = e->received[1] = NEVER;
        e->operation.actor = &actors[e->worker % MODEL_PROCESSES];
        e->operation.call = CALL_semctl;
        if (strcmp(what, "op") == 0 && sscanf(line + after, "%59s", argument) == 1) {
                e->operation.call = CALL_semop;
                read_entries(e, argument);
        } else if (strcmp(what, "end") == 0 && sscanf(line + after, "%d", &number) == 1) {
                e->operation.call = CALL_exit;
                e->operation.actor = &actors[number];
                e->ends = UINT64_C(1) << number;
        } else if (strcmp(what, "get") == 0 && sscanf(line + after, "%d", &e->operation.semnum) == 1) {
                e->operation.command = GETVAL;
        } else if (strcmp(what, "set") == 0 && sscanf(line + after, "%d %d", &e->operation.semnum, &value) == 2) {
                e->operation.command = SETVAL;
                e->operation.value = value;
        } else if (strcmp(what, "all") == 0) {
                e->operation.command = GETALL;
        } else if (strcmp(what, "remove") == 0) {
                e->operation.command = IPC_RMID;
        } else {
                refuse(line);
        }
        if (strchr(line, '='))
                read_result(e, strchr(line, '=') + 2);
        if (strstr(line, "asleep"))
                sscanf(strstr(line, "asleep"), "asleep %" SCNu64, &e->asleep);
        e->reads = e->outcome.error || e->operation.command == GETVAL || e->operation.command == GETALL ||
                   (e->operation.call == CALL_semop && !e->in.entries[0].sem_op && e->operation.size == 1);
        snprintf(lines[count++], MOST_LENGTH, "%s", line);
}

int main(void)
{
        static struct sem_set initial;
        static struct history history = {.model = &sem_model, .initial = &first, .events = events,
                                         .prompt = true, .promptness = semop_wake_zero_transient};
        const struct limits limits = {.semmsl = 8, .semopm = 4, .room = true};
        char line[MOST_LENGTH];

        sem_model.init(&first);
        first.object.id = 0;
        for (int i = 0; i < MODEL_PROCESSES; i++)
                actors[i] = (struct actor){.process = (uint8_t)i, .privileged = true, .pid = 1};
        while (count < MOST_LINES && fgets(line, sizeof(line), stdin)) {
                if (strncmp(line, "values", 6) == 0) {
                        char *at = line + 6, *next;
                        for (unsigned long value = strtoul(at, &next, 10); next != at && sems < MOST_VALUES;
                             at = next, value = strtoul(at, &next, 10))
                                first.sem[sems++].value = (uint16_t)value;
                        first.nsems = (uint16_t)sems;
                } else if (strncmp(line, "at rest", 7) == 0) {
                        history.at_rest = true;
                } else if (*line != '\n') {
                        read_operation(line);
                }
        }
        history.limits = &limits;
        history.count = count;
        struct judgment judgment = check_history(&history, 1000000);
        static const char *const findings[] = {
                [LINEARIZABLE] = "linearizable", [VIOLATED] = "violated", [UNDECIDED] = "undecided",
        };
        printf("%s %" PRIu64 "\n", findings[judgment.finding], judgment.places);
        if (judgment.finding != VIOLATED)
                return 0;
        shorten_history(&history, &initial, &judgment, 1000000);
        printf("%s: %s", judgment.in_vain ? "in vain" : ipck_requirement_ids[judgment.why.requirement],
               lines[judgment.event]);
        for (size_t i = 0; i < count; i++)
                if (!events[i].gone && !events[i].hidden)
                        printf("left: %s", lines[i]);
        return 0;
}
