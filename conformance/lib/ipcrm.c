/* SPDX-License-Identifier: MIT
 *
 * ipcrm.c: objects for ipcrm and from ipcmk, and verdicts on how these programs ended.
 */
#include <linux/securebits.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "internal.h"
#include "ipck_ipcrm.h"

const struct words *words_of(const struct mechanism *m)
{
        static const struct words words[] = {
                [QUEUE] = {"-q", "-Q", "--queue-id", "--queue-key", "msg", "Message queue id: "},
                [SET] = {"-s", "-S", "--semaphore-id", "--semaphore-key", "sem", "Semaphore id: "},
                [SEGMENT] = {"-m", "-M", "--shmem-id", "--shmem-key", "shm", "Shared memory id: "},
        };

        return &words[m - mechanisms];
}

/* ---- verdicts ---- */

/* The output is shown where it is not what was promised. */
static void judge_output(struct ipck_here here, enum ipck_requirement req, const char *expression, const char *stream,
                         const char *written, bool right)
{
        ipck_holds(here, req, formatted("%s has the right %s (it is: \"%.300s\")", expression, stream, written), right);
}

static void done(const struct ran *ran)
{
        free(ran->out);
        free(ran->err);
}

static void judge_status(struct ipck_here here, enum ipck_requirement req, const char *expression,
                         const struct ran *ran, int low, int high)
{
        /* 126 and more tell of the kernel or of a signal, not of the program. */
        ipck_between(here, req, formatted("exit status of %s (stderr: \"%.300s\")", expression, ran->err), low,
                     ran->status, 0, high);
}

void ipck_prints(struct ipck_here here, enum ipck_requirement req, const char *expression, const char *output,
                 struct ran ran)
{
        judge_status(here, req, expression, &ran, 0, 0);
        judge_output(here, req, expression, "output", ran.out, !strcmp(ran.out, output));
        judge_output(here, req, expression, "diagnostics", ran.err, !*ran.err);
        done(&ran);
}

void ipck_succeeds(struct ipck_here here, enum ipck_requirement req, const char *expression, struct ran ran)
{
        ipck_prints(here, req, expression, "", ran);
}

void ipck_complains_of(struct ipck_here here, enum ipck_requirement req, const char *expression, const char *what,
                       struct ran ran)
{
        judge_status(here, req, expression, &ran, 1, 125);
        judge_output(here, req, expression, "output", ran.out, !*ran.out);
        judge_output(here, req, expression, "diagnostics", ran.err, *ran.err && strstr(ran.err, what));
        done(&ran);
}

void ipck_complains(struct ipck_here here, enum ipck_requirement req, const char *expression, struct ran ran)
{
        ipck_complains_of(here, req, expression, "", ran);
}

/* ---- objects ---- */

int new_object_with(const struct mechanism *m, key_t key, int mode)
{
        return must_fit_in(m, m->get(key, IPC_CREAT | IPC_EXCL | mode));
}

bool exists(const struct mechanism *m, int id)
{
        struct ipc_perm perm;

        return m->stat(id, &perm) != -1 || errno == EACCES;
}

bool key_exists(const struct mechanism *m, key_t key)
{
        return m->get(key, 0) != -1 || errno != ENOENT;
}

/* Creates again what has the lowest identifier until all are the same; identifiers grow from one to the next. */
void new_objects_with_one_id(int id[3])
{
        for (int i = 0; i < 3; i++)
                id[i] = new_object(&mechanisms[i], 0600);
        for (int turn = 0; turn < 300; turn++) {
                int lowest = 0;

                if (id[0] == id[1] && id[1] == id[2])
                        return;
                for (int i = 1; i < 3; i++)
                        if (id[i] < id[lowest])
                                lowest = i;
                MUST(mechanisms[lowest].remove(id[lowest]));
                id[lowest] = new_object(&mechanisms[lowest], 0600);
        }
        UNSUPPORTED("identifiers of queues, sets and segments that can be the same");
}

int objects_of(const struct mechanism *m)
{
        const int highest = m->highest_index();
        int count = 0;

        for (int i = 0; i <= highest; i++) {
                struct ipc_perm perm;

                if (m->stat_index(i, &perm) != -1 || errno == EACCES)
                        count++;
        }
        return count;
}

void need_room_for_ipcmk(void)
{
        need_util_linux("ipcmk");
        empty_namespace();
        EACH_ROW(m, mechanisms)
                burn_ids(m, 1);
}

int id_printed(const struct mechanism *m, const char *output)
{
        const char *const made = words_of(m)->made, *const line = strstr(output, made);
        char *end;

        if (!line || (line != output && line[-1] != '\n'))
                return -1;
        const long id = strtol(line + strlen(made), &end, 10);
        return end == line + strlen(made) || *end != '\n' ? -1 : (int)id;
}

void drop_privileges_for_good(void)
{
        /* A program started by user 0 has all of them again otherwise. */
        if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) == -1 && geteuid() == 0)
                UNSUPPORTED("a user 0 without privileges (%s)", errno_name(errno));
        drop_all_capabilities();
}
