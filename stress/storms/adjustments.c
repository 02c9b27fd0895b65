/* SPDX-License-Identifier: MIT
 *
 * adjustments.c: who has the adjustments that SEM_UNDO leaves. Processes share a list of them by clone(CLONE_SYSVSEM),
 * give theirs up by unshare() or with their IPC namespace, and end, while values come near their limits, or while their
 * set is removed and another one is made with the same identifier. Each worker has a set of its own and lets others act
 * on it, so that it knows each value.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include "storm.h"

enum { MOST_CREW = 16, UNITS = 100, HIGHEST = 32767, STACK = 1 << 16 };

/* What a subject, its child and the worker tell each other; in memory that all share. */
static struct scene {
        _Atomic int step;               /* of the subject's that is over */
        gate go_on;
        int set;
        short own, childs;              /* units that each takes */
        bool killed;                    /* how the subject ends */
        int error;                      /* of a call that is refused here */
} *scenes;

static struct scene *scene;             /* of this worker */

static _Noreturn void come_to_an_end(void)
{
        if (scene->killed)
                kill(getpid(), SIGKILL);
        _exit(0);
}

static void take(short units)
{
        struct sembuf op = {0, (short)-units, SEM_UNDO};

        EXPECT(semop_dec_subtracts, semop(scene->set, &op, 1) == 0, "a decrement fails with %s", errno_name(errno));
        count_operations(1);
}

static int value(void)
{
        return semctl(scene->set, 0, GETVAL);
}

/* A process that acts, step by step, while the worker looks. */
static void act(void (*body)(void))
{
        scene->step = 0;
        scene->go_on = 0;
        scene->error = 0;
        const pid_t pid = (pid_t)MUST_FORK(fork());
        if (pid == 0) {
                body();
                come_to_an_end();
        }
}

static void await_step(int step)
{
        UNTIL(scene->step >= step);
}

static void end_of_scene(enum ipck_requirement requirement, int wanted, const char *what)
{
        open_gate(&scene->go_on);
        while (wait(NULL) != -1 || errno == EINTR) {
        }
        EXPECT(requirement, value() == wanted, "when a process has ended %s the value is %d, not %d", what, value(),
               wanted);
}

/* ---- lists that are shared ---- */

static int sharer(void *unused)
{
        (void)unused;
        take(scene->childs);
        scene->step = 1;
        wait_at(&scene->go_on);
        _exit(0);
}

static int sharer_that_ends(void *unused)
{
        (void)unused;
        take(scene->childs);
        _exit(0);
}

static void clone_sharer(int (*body)(void *), bool wait_for_it)
{
        static char stack[STACK] __attribute__((aligned(64)));
        const int pid = clone(body, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD, NULL);

        if (pid == -1)
                scene->error = errno;
        else if (wait_for_it)
                while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) {
                }
}

static void survive_the_sharer(void)
{
        take(scene->own);
        clone_sharer(sharer_that_ends, true);
        scene->step = 1;
        wait_at(&scene->go_on);
}

static void be_survived(void)
{
        take(scene->own);
        clone_sharer(sharer, false);
        if (scene->error)
                scene->step = 1;
}

static void share(void)
{
        const bool survives = once_in(2);

        doing(survives ? "the end of a process whose list another shares" : "a list that outlives a process");
        act(survives ? survive_the_sharer : be_survived);
        await_step(1);
        if (!scene->error && !survives)
                while (waitpid(-1, NULL, 0) == -1 && errno == EINTR) {
                }
        if (!scene->error)
                EXPECT(semop_undo_clone_sysvsem, value() == UNITS - scene->own - scene->childs,
                       "one of two that share adjustments has ended, and %d of %d units are taken, not %d",
                       UNITS - value(), UNITS, scene->own + scene->childs);
        open_gate(&scene->go_on);
        /* The one that was cloned last is no child of this process. */
        EXPECT(semop_undo_clone_sysvsem, WITHIN(value() == UNITS),
               "the last that shared adjustments has ended, and %d units are still taken", UNITS - value());
        end_of_scene(semop_undo_clone_sysvsem, UNITS, "that shared adjustments");
}

/* ---- lists that are given up ---- */

static void unshare_list(void)
{
        take(scene->own);
        if (unshare(CLONE_SYSVSEM) == -1)
                scene->error = errno;
        scene->step = 1;
        wait_at(&scene->go_on);
}

static void leave_namespace(void)
{
        const int current = once_in(2) ? open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC) : -1;

        take(scene->own);
        if ((current == -1 ? unshare(CLONE_NEWIPC) : setns(current, CLONE_NEWIPC)) == -1)
                scene->error = errno;
        scene->step = 1;
        wait_at(&scene->go_on);
}

static void give_up(bool leaves)
{
        const enum ipck_requirement requirement = leaves ? ipcns_setns_undo : semop_undo_unshare_sysvsem;

        doing(leaves ? "a change of the IPC namespace" : "unshare(CLONE_SYSVSEM)");
        act(leaves ? leave_namespace : unshare_list);
        await_step(1);
        if (!scene->error)
                EXPECT(requirement, value() == UNITS, "%s leaves %d units taken",
                       leaves ? "who has left the IPC namespace" : "unshare(CLONE_SYSVSEM)", UNITS - value());
        end_of_scene(requirement, UNITS, "that gave its adjustments up");
}

/* ---- values that an adjustment would leave the range with ---- */

static void hold_until_told(void)
{
        take(scene->own);
        scene->step = 1;
        wait_at(&scene->go_on);
}

static void go_beyond(bool above)
{
        const int near = (int)pick((uint32_t)scene->own);       /* the limit, by less than the adjustment */

        doing("the end of a process whose adjustment is too large");
        if (!above)
                scene->own = (short)-scene->own;
        act(hold_until_told);
        await_step(1);
        struct sembuf rest = {0, (short)((above ? HIGHEST - near : near) - value()), 0};
        EXPECT(semop_dec_subtracts, semop(scene->set, &rest, 1) == 0, "semop() fails with %s", errno_name(errno));
        count_operations(1);
        end_of_scene(above ? exit_semadj_clamp_max : exit_semadj_clamp_zero, above ? HIGHEST : 0,
                     above ? "that took units, where nearly all are back," : "whose units have nearly all been taken");
        MUST(semctl(scene->set, 0, SETVAL, (union semun){.val = UNITS}));
}

/* ---- another set with the same identifier ---- */

/* Makes a set with that identifier, where somebody else does not get it first; whether it has. */
static bool make_again(int id)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", id);
        if (write_sysctl("kernel/sem_next_id", text) != 0)
                return false;
        return (scene->set = semget(IPC_PRIVATE, 1, 0600)) == id;
}

static void make_set(void)
{
        MUST(scene->set);
        MUST(semctl(scene->set, 0, SETVAL, (union semun){.val = UNITS}));
}

static void make_another(void)
{
        const int id = scene->set;
        const bool beside = once_in(2);

        doing("the removal of a set that somebody has adjustments for");
        act(hold_until_told);
        await_step(1);
        if (beside)
                open_gate(&scene->go_on);       /* it ends meanwhile */
        EXPECT(semctl_rmid_removes, semctl(id, 0, IPC_RMID) == 0, "IPC_RMID fails with %s", errno_name(errno));
        const bool again = make_again(id);
        if (!again && scene->set == id)
                scene->set = semget(IPC_PRIVATE, 1, 0600);
        make_set();
        end_of_scene(beside ? exit_semadj_rmid_race : semctl_rmid_undo_dropped, UNITS,
                     again ? "whose set was removed and made again" : "whose set was removed");
}

static void worker(int me)
{
        scene = &scenes[me];
        scene->set = semget(IPC_PRIVATE, 1, 0600);
        make_set();
        for (uint32_t n = 4 + pick(30); n > 0 && more_time(); n--) {
                scene->own = (short)(1 + pick(UNITS / 2));
                scene->childs = (short)(1 + pick(UNITS / 2));
                scene->killed = once_in(2);
                switch (pick(5)) {
                case 0: share(); break;
                case 1: give_up(false); break;
                case 2: give_up(true); break;
                case 3: go_beyond(once_in(2)); break;
                default: make_another(); break;
                }
        }
        MUST(semctl(scene->set, 0, IPC_RMID));
}

STORM(adjustments, "lists of SEM_UNDO: shared, given up and outlived, each is applied once and to the set it is for")
{
        if (stress_waived(exit_semadj_applied))
                UNSUPPORTED("SEM_UNDO, which is known to be ignored here");
        scenes = shared(MOST_CREW * sizeof(*scenes));
        while (another_round()) {
                muster(draw_crew(1, MOST_CREW), worker);
                set_off();
                all_end(exit_semadj_applied);
        }
}
