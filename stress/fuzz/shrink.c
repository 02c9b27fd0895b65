/* SPDX-License-Identifier: MIT
 *
 * shrink.c: delta debugging (Zeller, Hildebrandt): parts of the sequence are left out as long as it goes on to
 * contradict the same requirement. Each try runs in a fresh IPC namespace with fresh processes.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fuzz.h"

/* A try of a call that waits takes long: the smallest sequence found by then is good enough. */
static int64_t last_try;

/* Whether these items contradict the requirement; trial then tells at which of them. */
static bool shows(struct world *trial, const struct item *items, int count, enum ipck_requirement requirement)
{
        if (monotonic_ns() > last_try)
                return false;
        memcpy(trial->item, items, (size_t)count * sizeof(*items));
        trial->items = count;
        trial->contradicted = false;
        fflush(stdout);
        const pid_t pid = (pid_t)MUST(fork());
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
                MUST(unshare(CLONE_NEWIPC));
                lower_limits();
                memset(trial->alive, 0, sizeof(trial->alive));
                run_sequence(trial);
                end_processes(trial);
                _exit(0);
        }
        MUST(waitpid(pid, NULL, 0));
        return trial->contradicted && trial->why.requirement == requirement;
}

/* Leaves out runs of that many items; what is left of count. */
static int leave_out(struct world *trial, struct item *items, int count, int length, enum ipck_requirement requirement)
{
        static struct item rest[ITEMS];

        for (int from = 0; from < count;) {
                const int to = from + length < count ? from + length : count;
                memcpy(rest, items, (size_t)from * sizeof(*items));
                memcpy(rest + from, items + to, (size_t)(count - to) * sizeof(*items));
                if (to - from < count && shows(trial, rest, from + count - to, requirement)) {
                        count = trial->at + 1;
                        memcpy(items, rest, (size_t)count * sizeof(*items));
                } else {
                        from = to;
                }
        }
        return count;
}

/* Simpler forms of an item; false where there are no more. */
static bool simplify(struct item *item, int way)
{
        switch (way) {
        case 0: item->process = 0; break;
        case 1: item->process = 1; break;
        case 2: item->until = NO_TIMEOUT; break;
        case 3: item->bad_address = false; break;
        case 4: item->size = item->size > ENTRIES ? ENTRIES : item->size; break;
        case 5: item->size = item->size > 1 ? item->size - 1 : item->size; break;
        case 6: item->size = item->size > 1 ? 1 : item->size; break;
        case 7: memmove(item->entry, item->entry + 1, sizeof(item->entry) - sizeof(*item->entry)); break;
        case 8:
                for (int i = 0; i < ENTRIES; i++)
                        item->entry[i].sem_flg = IPC_NOWAIT;
                break;
        case 9: item->object = 0; break;
        case 10: item->text = 0; break;
        case 11: item->flags &= is_get(item) ? 01777 : -1; break;
        case 12: item->call = item->call == CALL_semtimedop && item->until == NO_TIMEOUT ? CALL_semop
                : item->call; break;
        default: return false;
        }
        return true;
}

static void simplify_items(struct world *trial, struct item *items, int count, enum ipck_requirement requirement)
{
        for (int i = 0; i < count; i++)
                for (int way = 0; ; way++) {
                        const struct item before = items[i];
                        if (!simplify(&items[i], way))
                                break;
                        if (memcmp(&before, &items[i], sizeof(before)) != 0 && !shows(trial, items, count, requirement))
                                items[i] = before;
                }
}

const struct world *shrink(const struct world *w)
{
        static struct world *trial;
        static struct item items[ITEMS];
        const enum ipck_requirement requirement = w->why.requirement;
        int count = w->at + 1;

        if (!trial)
                trial = new_world();
        last_try = INT64_MAX;
        trial->limits = w->limits;
        memcpy(trial->most_objects, w->most_objects, sizeof(trial->most_objects));
        trial->indexed = w->indexed;
        trial->judged = true;
        memcpy(items, w->item, (size_t)count * sizeof(*items));
        if (!shows(trial, items, count, requirement))
                return NULL;
        last_try = monotonic_ns() + scaled_ns(10000000000);
        for (int before = count + 1; count < before;) {
                before = count;
                for (int length = count / 2; length > 0; length /= 2)
                        count = leave_out(trial, items, count, length, requirement);
                simplify_items(trial, items, count, requirement);
        }
        last_try = INT64_MAX;
        /* Once more for what is reported of it. */
        return shows(trial, items, count, requirement) ? trial : NULL;
}
