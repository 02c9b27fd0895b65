/* SPDX-License-Identifier: MIT
 *
 * engine.c: the processes that take turns, and the sequences one after the other.
 *
 * All live in memory that they share. The keeper (the workload's own process) starts the others, each with a user of
 * its own, and waits; the process whose turn it is carries out the items of its own up to the next that is another's,
 * and passes the turn on. An item for the end of a process goes to that process, which ends; the keeper notes it and
 * starts another one in its place.
 */
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuzz.h"

enum { KEEPER = PROCESSES, MY_TURN = 1, AS_BEFORE = 0, MOST_WORLDS = 32 };

const struct family *const families[FAMILIES] = {&fuzz_sem, &fuzz_msg, &fuzz_shm, &fuzz_posix_sem, &fuzz_mq};

/* ---- turns ---- */

static void pass_to(struct world *w, int who)
{
        w->holder = who;
        atomic_store(&w->go[who], MY_TURN);
        syscall(SYS_futex, &w->go[who], FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Until it is one's turn; false where that is not so after the time. */
static bool wait_turn(struct world *w, int who, const struct timespec *most)
{
        int turn = MY_TURN;

        while (!atomic_compare_exchange_strong(&w->go[who], &turn, AS_BEFORE)) {
                turn = MY_TURN;
                if (syscall(SYS_futex, &w->go[who], FUTEX_WAIT, AS_BEFORE, most, NULL, 0) == -1 && errno == ETIMEDOUT)
                        return false;
        }
        return true;
}

/* ---- the processes ---- */

static _Noreturn void end_by(const struct item *item)
{
        if (item->flags)
                kill(getpid(), SIGKILL);
        _exit(0);
}

static _Noreturn void take_turns(struct world *w, int process)
{
        for (;;) {
                wait_turn(w, process, NULL);
                w->running = process;
                int place = w->position;
                while (place < w->items && w->item[place].process == process) {
                        if (w->item[place].call == CALL_exit) {
                                fflush(stdout);         /* the trace */
                                pass_to(w, KEEPER);
                                end_by(&w->item[place]);
                        }
                        if (!carry_out(w, &w->item[place])) {
                                w->at = place;
                                break;
                        }
                        place = ++w->position;
                }
                if (w->traced)
                        fflush(stdout);
                if (place == w->items || w->contradicted || w->lost || !w->alive[w->item[place].process])
                        pass_to(w, KEEPER);
                else
                        pass_to(w, w->item[place].process);
        }
}

static void start_process(struct world *w, int process)
{
        static const struct user {
                uid_t real_uid, uid;
                gid_t real_gid, gid, extra;
                unsigned umask;
        } users[PROCESSES] = {
                {0, 0, 0, 0, 0, 022},
                {USER_A, USER_A, GROUP_A, GROUP_A, GROUP_A, 022},
                {USER_C, USER_B, GROUP_B, GROUP_A, GROUP_A, 022},
                {USER_C, USER_C, GROUP_B, GROUP_B, GROUP_C, 0770},
        };
        const struct user *const user = &users[process];
        const pid_t keeper = getpid();
        const pid_t pid = (pid_t)MUST(fork());

        if (pid == 0) {
                umask(user->umask);
                if (process && (setgroups(user->extra != user->gid, &user->extra) == -1 ||
                                setresgid(user->real_gid, user->gid, user->gid) == -1 ||
                                setresuid(user->real_uid, user->uid, user->uid) == -1))
                        UNSUPPORTED("user %u and group %u (%s)", (unsigned)user->uid, (unsigned)user->gid,
                                    errno_name(errno));
                prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);      /* a change of user takes it away */
                if (getppid() != keeper)
                        _exit(1);
                take_turns(w, process);
        }
        w->actor[process] = (struct actor){.process = (uint8_t)process, .privileged = process == 0, .pid = pid,
                                           .uid = user->uid, .gid = user->gid, .extra = user->extra,
                                           .umask = user->umask};
        w->alive[process] = true;
}

static void end_process(struct world *w, int process)
{
        kill(w->actor[process].pid, SIGKILL);
        waitpid(w->actor[process].pid, NULL, 0);
        w->alive[process] = false;
}

void end_processes(struct world *w)
{
        for (int p = 0; p < PROCESSES; p++)
                if (w->alive[p])
                        end_process(w, p);
}

/* ---- a sequence ---- */

/* What the keeper does about the item at which the others stopped: true where they can go on. */
static bool attend(struct world *w)
{
        const struct item *const item = &w->item[w->position];
        const int process = item->process;

        if (w->contradicted || w->lost || w->position == w->items)
                return false;
        if (w->alive[process] && item->call == CALL_exit) {
                waitpid(w->actor[process].pid, NULL, 0);
                w->alive[process] = false;
                w->at = w->position;
                if (!judge_end(w, process))
                        return false;
                note_end(w, process);
                w->position++;
        }
        if (w->position < w->items && !w->alive[w->item[w->position].process])
                start_process(w, w->item[w->position].process);
        return w->position < w->items;
}

/* The others made no progress: a call waits, or its process died. */
static void attend_hang(struct world *w, int status)
{
        const struct item *const item = &w->item[w->position];

        w->at = w->position;
        judge_hang(w, item, status);
        if (status == STILL_ALIVE)
                end_process(w, item->process);
        else
                w->alive[item->process] = false;
}

/* Waits until the others need the keeper; false where they do not go on, with the wait status of one that has ended. */
static bool await_others(struct world *w, int *status)
{
        enum { LOOKS_ASLEEP = 3, LOOKS = 150 };
        const int64_t patience = scaled_ns(200000000);
        const struct timespec most = {.tv_sec = patience / 1000000000, .tv_nsec = patience % 1000000000};
        int before = -1, looks = 0;

        *status = STILL_ALIVE;
        while (!wait_turn(w, KEEPER, &most)) {
                const int position = w->position, process = w->running;
                looks = position == before && process == w->holder ? looks + 1 : 0;
                before = position;
                if (!looks)
                        continue;
                const pid_t pid = w->actor[process].pid;
                if (looks == LOOKS || (looks >= LOOKS_ASLEEP && sleeping(pid)) || waitpid(pid, status, WNOHANG) == pid)
                        return false;
        }
        return true;
}

static bool has_open(const struct world *w, int process)
{
        for (int f = 0; f < FAMILIES; f++)
                for (int h = 0; h < HANDLES; h++)
                        if (w->handle[f][process][h].object != NO_OBJECT)
                                return true;
        return false;
}

/* Goes on in a namespace in which nothing is left, as far as that may be: where it is not known what there is. */
static void renew(struct world *w)
{
        end_processes(w);
        for (int key = 0; key < KEYS; key++)
                sem_unlink(name_of(key));
        if (unshare(CLONE_NEWIPC) == 0)
                lower_limits();
}

/* Leaves nothing behind. */
static void clean_up(struct world *w)
{
        for (int p = 0; p < PROCESSES; p++)
                if (w->alive[p] && has_open(w, p))
                        end_process(w, p);
        for (int f = 0; f < FAMILIES; f++)
                for (int i = 0; i < OBJECTS; i++)
                        if (w->thing[f][i].used)
                                families[f]->remove(w, i);
        if (w->contradicted || w->lost)
                renew(w);
}

void run_sequence(struct world *w)
{
        reset_objects(w);
        w->clock = coarse_seconds();
        w->position = 0;
        w->contradicted = w->lost = false;
        for (int p = 0; p <= PROCESSES; p++)
                w->go[p] = AS_BEFORE;
        w->running = KEEPER;
        if (!w->alive[w->item[0].process])
                start_process(w, w->item[0].process);
        do {
                int status;
                pass_to(w, w->item[w->position].process);
                if (!await_others(w, &status))
                        attend_hang(w, status);
        } while (attend(w));
        clean_up(w);
}

/* ---- generated sequences ---- */

/* Most of a sequence is of one family: what calls of several have in common is little. */
static void generate(struct world *w, struct random *random, int family)
{
        int process = 0;
        struct item *item = w->item;

        memset(w->item, 0, sizeof(w->item));
        for (; item < w->item + ITEMS - PROCESSES * HANDLES; item++) {
                if (one_in(random, 48))
                        process = (int)draw(random, PROCESSES);
                item->family = (uint8_t)family;
                if (one_in(random, 800)) {
                        item->call = CALL_exit;
                        item->flags = (int)draw(random, 2);
                } else {
                        families[family]->generate(random, item);
                }
                item->process = (uint8_t)process;
        }
        for (process = 0; process < PROCESSES; process++)
                for (int h = 0; families[family]->closes != NEVER_OPEN && h < HANDLES; h++, item++) {
                        item->family = (uint8_t)family;
                        item->process = (uint8_t)process;
                        item->call = (uint8_t)families[family]->closes;
                }
        w->items = (int)(item - w->item);
}

struct world *new_world(void)
{
        struct world *const w = shared(sizeof(*w));

        for (int f = 0; f < FAMILIES; f++)
                for (int i = 0; i < OBJECTS; i++) {
                        struct thing *const thing = &w->thing[f][i];
                        const size_t size = (families[f]->model->most + 63) / 64 * 64;
                        char *memory = shared(size * POSSIBLE * (MODEL_NEXT + 1));
                        for (int s = 0; s < POSSIBLE; s++, memory += size)
                                thing->state[s] = memory;
                        for (int s = 0; s < POSSIBLE * MODEL_NEXT; s++, memory += size)
                                thing->spare[s] = memory;
                }
        return w;
}

/* One sequence in this many is run without the model, to see what that costs. */
enum { UNJUDGED = 10 };

static void report(struct world *w, uint64_t sequence)
{
        static char details[MOST_DETAILS];
        char why[256];
        FILE *const out = fmemopen(details, sizeof(details), "w");

        describe_contradiction(&w->why, why, sizeof(why));
        const enum ipck_requirement requirement = w->why.requirement;
        const int step = w->at;
        const struct world *const smallest = shrink(w);
        print_sequence(out, smallest ? smallest : w);
        if (smallest)
                print_test(out, smallest);
        fclose(out);
        violation(requirement, details, "%s (seed %" PRIu64 ", sequence %" PRIu64 ", step %d%s)", why,
                  stress_options.seed,
                  sequence, step, smallest ? "" : ", not seen again in fresh namespaces");
}

void lower_limits(void)
{
        write_sysctl("kernel/sem", "320 32000 500 6");
        write_sysctl("kernel/msgmni", "6");
        write_sysctl("kernel/msgmax", "10000");
        write_sysctl("kernel/msgmnb", "12000");
        write_sysctl("kernel/shmmni", "6");
}

/* Whether commands such as SEM_STAT take the lower bits of an identifier as index. */
static bool has_indexes(void)
{
        int set[3], found = 0;
        struct semid_ds ds;
        union {
                struct semid_ds *buf;
                long whole;
        } arg = {.buf = &ds};

        for (int i = 0; i < 3; i++)
                set[i] = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
        semctl(set[0], 0, IPC_RMID);
        for (int i = 1; i < 3; i++) {
                found += semctl(set[i] % INDEXES, 0, SEM_STAT, arg) == set[i];
                semctl(set[i], 0, IPC_RMID);
        }
        return found == 2;
}

static bool has_msg_copy(void)
{
        enum { COPY = 040000 };         /* MSG_COPY, which musl does not name */
        const int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        struct {
                long type;
                char text[1];
        } message;

        errno = 0;
        const bool has = msgrcv(queue, &message, 1, 0, IPC_NOWAIT | COPY) == -1 && errno == ENOMSG;
        msgctl(queue, IPC_RMID, NULL);
        return has;
}

/* Of the namespace, as its own commands tell. */
static struct limits namespace_limits(struct world *w)
{
        struct seminfo sem = {.semmsl = 32000, .semopm = 500, .semmni = OBJECTS};
        struct msginfo msg = {.msgmax = 8192, .msgmnb = 16384, .msgmni = OBJECTS};
        struct shminfo shm = {.shmmax = ULONG_MAX, .shmmin = 1, .shmmni = OBJECTS};
        struct limits limits = {.mq_msg_max = 10, .mq_msgsize_max = 8192, .mq_msg_default = 10,
                                .mq_msgsize_default = 8192,
                                .room = true, .may_raise = has_initial_capability(CAP_SYS_RESOURCE)};
        char text[64];
        const struct {
                const char *path;
                int64_t *limit;
        } files[] = {
                {"/proc/sys/fs/mqueue/msg_max", &limits.mq_msg_max},
                {"/proc/sys/fs/mqueue/msgsize_max", &limits.mq_msgsize_max},
                {"/proc/sys/fs/mqueue/msg_default", &limits.mq_msg_default},
                {"/proc/sys/fs/mqueue/msgsize_default", &limits.mq_msgsize_default},
        };

        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
                if (read_file(files[i].path, text, sizeof(text)) > 0)
                        *files[i].limit = atoll(text);
        semctl(0, 0, IPC_INFO, &sem);
        msgctl(0, IPC_INFO, (struct msqid_ds *)&msg);
        shmctl(0, IPC_INFO, (struct shmid_ds *)&shm);
        for (int f = 0; f < FAMILIES; f++)
                w->most_objects[f] = OBJECTS;
        w->most_objects[number_of(&fuzz_sem)] = sem.semmni;
        w->most_objects[number_of(&fuzz_msg)] = msg.msgmni;
        w->most_objects[number_of(&fuzz_shm)] = (int)shm.shmmni;
        limits.semmsl = sem.semmsl;
        limits.semopm = sem.semopm;
        limits.msgmax = msg.msgmax;
        limits.msgmnb = msg.msgmnb;
        limits.shmmax = shm.shmmax;
        limits.shmmin = shm.shmmin;
        limits.msg_copy = has_msg_copy();
        memcpy(limits.waived, stress_options.waived, sizeof(limits.waived));
        return limits;
}

/* What the worlds of a workload share: operations and nanoseconds, without the model and with it. */
static struct totals {
        _Atomic uint64_t operations[2], ns[2];
} *totals;

/* Worlds side by side have an IPC namespace each, whose limits are its own; queues of POSIX count against one limit of
 * the user. Where that cannot be, and where a run is to be the same again to its last operation, there is one. */
static unsigned count_worlds(const cpu_set_t *processors)
{
        const struct rlimit enough = {RLIM_INFINITY, RLIM_INFINITY};
        const int count = CPU_COUNT(processors);

        if (stress_options.trace || stress_options.operations || unshare(CLONE_NEWIPC) == -1 ||
            setrlimit(RLIMIT_MSGQUEUE, &enough) == -1)
                return 1;
        return count < 1 ? 1 : count > MOST_WORLDS ? MOST_WORLDS : (unsigned)count;
}

/* One process of a world runs at a time: on a processor of its own, turns are passed most cheaply. */
static void run_on(const cpu_set_t *processors, unsigned number)
{
        cpu_set_t one;

        CPU_ZERO(&one);
        for (int c = 0; c < CPU_SETSIZE; c++)
                if (CPU_ISSET(c, processors) && number-- == 0)
                        CPU_SET(c, &one);
        sched_setaffinity(0, sizeof(one), &one);
}

/* Every so many sequences, beginning with a number of its own. */
static void run_world(int family, unsigned number, unsigned worlds)
{
        struct world *const w = new_world();
        unsigned turn = 0;

        set_world_of_names(number);
        if (worlds > 1)
                MUST(unshare(CLONE_NEWIPC));
        lower_limits();
        w->limits = namespace_limits(w);
        w->indexed = has_indexes();
        for (uint64_t sequence = number; more_time(); sequence += worlds) {
                struct random random = random_from(stress_options.seed << 32 ^ sequence);
                const int64_t start = monotonic_ns();
                const uint64_t before = w->done;

                w->judged = !stress_options.trace && ++turn % UNJUDGED != 0;
                w->traced = stress_options.trace;
                generate(w, &random, family);
                run_sequence(w);
                totals->ns[w->judged] += (uint64_t)(monotonic_ns() - start);
                totals->operations[w->judged] += w->done - before;
                count_operations(w->done - before);
                if (!w->judged)
                        renew(w);
                if (w->contradicted) {
                        const enum ipck_requirement requirement = w->why.requirement;
                        if (!(w->limits.waived[requirement / 64] >> requirement % 64 & 1) && !violated(requirement))
                                report(w, sequence);
                        w->limits.waived[requirement / 64] |= 1ULL << requirement % 64;
                }
        }
        end_processes(w);
}

static void fuzz(int family)
{
        struct child worlds[MOST_WORLDS];
        cpu_set_t processors;

        CPU_ZERO(&processors);
        sched_getaffinity(0, sizeof(processors), &processors);
        families[family]->available();
        totals = shared(sizeof(*totals));
        const unsigned count = count_worlds(&processors);
        for (unsigned i = 0; i < count; i++)
                CHILD(&worlds[i]) {
                        if (count > 1)
                                run_on(&processors, i);
                        run_world(family, i, count);
                }
        for (unsigned i = 0; i < count; i++)
                join(&worlds[i]);
        measured_speed(totals->operations, totals->ns, count);
}

WORKLOAD(fuzz_sem, "fuzz.sem", "calls on System V semaphore sets one after the other, each judged by the model")
{
        fuzz(number_of(&fuzz_sem));
}

WORKLOAD(fuzz_msg, "fuzz.msg", "calls on System V message queues one after the other, each judged by the model")
{
        fuzz(number_of(&fuzz_msg));
}

WORKLOAD(fuzz_shm, "fuzz.shm", "calls on System V shared memory one after the other, each judged by the model")
{
        fuzz(number_of(&fuzz_shm));
}

WORKLOAD(fuzz_posix_sem, "fuzz.posix_sem", "calls on POSIX semaphores one after the other, each judged by the model")
{
        fuzz(number_of(&fuzz_posix_sem));
}

WORKLOAD(fuzz_mq, "fuzz.mq", "calls on POSIX message queues one after the other, each judged by the model")
{
        fuzz(number_of(&fuzz_mq));
}
