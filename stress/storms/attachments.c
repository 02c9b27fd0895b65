/* SPDX-License-Identifier: MIT
 *
 * attachments.c: trees of processes attach, detach, fork, execute programs and end, while segments are removed under
 * them. When all have come to rest shm_nattch is what they have, and what they added to a segment is there.
 */
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "storm.h"

enum { SEGMENTS = 4, MOST_ATTACHED = 6, MOST_CHILDREN = 4, DEEPEST = 3, SIZE = 10000 };
#define MARK UINT32_C(0x1bc5e600)

struct content {
        uint32_t mark;
        _Atomic uint32_t sum;
};

static struct books {
        int ids[SEGMENTS];
        struct {
                _Atomic int attached, added;
        } segment[SEGMENTS];
        _Atomic int to_rest, resting;           /* processes that come to rest, and that have */
        gate morning;
} *books;

/* What this process has attached. */
static struct attachment {
        int segment;
        struct content *at;
} mine[MOST_ATTACHED];
static int mine_count;
static struct content *views[SEGMENTS];         /* the leader's */
static pid_t children[MOST_CHILDREN];
static int children_count;
static bool tired;                              /* rests before it ends */

static void book(int change)
{
        for (int i = 0; i < mine_count; i++)
                books->segment[mine[i].segment].attached += change;
}

static void attach(void)
{
        const int segment = (int)pick(SEGMENTS);
        const bool read_only = once_in(4);

        if (mine_count == MOST_ATTACHED)
                return;
        struct content *const there = shmat(books->ids[segment], NULL, read_only ? SHM_RDONLY : 0);
        EXPECT(shmat_upd_nattch, there != (void *)-1, "shmat() fails with %s", errno_name(errno));
        EXPECT(shmget_init_zero_filled, there->mark == (MARK | (uint32_t)segment),
               "the segment holds %#x, not what was put there", there->mark);
        if (!read_only) {
                there->sum++;
                books->segment[segment].added++;
        }
        books->segment[segment].attached++;
        mine[mine_count++] = (struct attachment){segment, there};
}

/* A call that fails attaches nothing. */
static void attach_in_vain(void)
{
        const int segment = (int)pick(SEGMENTS);

        EXPECT(shmat_fail_nattch_restored, shmat(books->ids[segment], NULL, SHM_REMAP) == (void *)-1,
               "shmat() with SHM_REMAP and no address succeeds");
}

static void detach(int i)
{
        const struct attachment a = mine[i];

        mine[i] = mine[--mine_count];
        books->segment[a.segment].attached--;
        EXPECT(shmdt_ret_zero, shmdt(a.at) == 0, "shmdt() fails with %s", errno_name(errno));
}

static void await_children(void)
{
        doing("waitpid()");
        while (children_count > 0)
                waitpid(children[--children_count], NULL, 0);
        doing("the use of segments");
}

/* Executes this program, which has nothing to do: the exec alone detaches. */
static void execute(void)
{
        const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        book(-1);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl("/proc/self/exe", "ipck-stress", "--help", (char *)NULL);
        _exit(0);
}

static _Noreturn void end_somehow(void)
{
        const uint32_t how = pick(5);

        if (how == 0)
                execute();
        while (how == 1 && mine_count > 0)
                detach(0);
        book(-1);
        if (how == 2)
                die_killed();
        _exit(0);
}

static void live(int depth, uint32_t actions);

static void rest(void)
{
        await_children();
        doing("a rest");
        books->resting++;
        wait_at(&books->morning);
}

static void have_a_child(int depth)
{
        const bool rests = once_in(4);
        const int place = rests ? 0 : children_count;

        if (depth == DEEPEST || children_count == MOST_CHILDREN)
                return;
        book(1);
        books->to_rest += rests;
        const uint32_t path = pick(1U << 31);
        const pid_t child = fork();
        if (child == -1) {
                book(-1);
                books->to_rest -= rests;
                return;
        }
        if (child == 0) {
                tired = rests;
                children_count = 0;
                for (uint32_t n = path % 16; n > 0; n--)
                        pick(2);
                live(depth + 1, 1 + pick(8));
                if (tired)
                        rest();
                await_children();
                end_somehow();
        }
        /* Those that rest end after their parent may have. */
        if (!rests) {
                children[place] = child;
                children_count++;
        }
}

static void live(int depth, uint32_t actions)
{
        for (; actions > 0 && more_time(); actions--) {
                switch (pick(6)) {
                case 0:
                case 1: attach(); break;
                case 4: attach_in_vain(); break;
                case 2: if (mine_count) detach((int)pick((uint32_t)mine_count)); break;
                case 3: have_a_child(depth); break;
                default: tarry();
                }
                count_operations(1);
        }
}

static void worker(int me)
{
        (void)me;
        doing("the use of segments");
        for (int s = 0; s < SEGMENTS; s++)
                EXPECT(shmdt_ret_zero, shmdt(views[s]) == 0, "shmdt() of an inherited segment fails with %s",
                       errno_name(errno));
        live(0, 5 + pick(30));
        rest();
        live(DEEPEST, 5 + pick(10));
        end_somehow();
}

static struct shmid_ds stat_of(int segment)
{
        struct shmid_ds ds = {.shm_nattch = 0};

        MUST(shmctl(books->ids[segment], IPC_STAT, &ds));
        return ds;
}

static bool gone(int segment)
{
        struct shmid_ds ds;

        return shmctl(books->ids[segment], IPC_STAT, &ds) == -1;
}

STORM(attachments, "trees of processes attach, fork, exec and end: shm_nattch is what they have")
{
        books = shared(sizeof(*books));
        while (another_round()) {
                bool removed[SEGMENTS] = {false};
                memset(books, 0, sizeof(*books));
                mine_count = 0;
                for (int s = 0; s < SEGMENTS; s++) {
                        books->ids[s] = (int)MUST(shmget(IPC_PRIVATE, SIZE, 0600));
                        views[s] = shmat(books->ids[s], NULL, 0);
                        MUST(views[s] == (void *)-1 ? -1 : 0);
                        views[s]->mark = MARK | (uint32_t)s;
                }
                const int crew = draw_crew(1, 40);
                books->to_rest = crew;
                muster(crew, worker);
                set_off();
                EXPECT(shmat_nattch_concurrent, WITHIN(books->resting == books->to_rest),
                       "of %d processes %d have come to rest", books->to_rest, books->resting);
                for (int s = 0; s < SEGMENTS; s++) {
                        const long nattch = (long)stat_of(s).shm_nattch, wanted = books->segment[s].attached + 1L;
                        EXPECT(shmat_nattch_concurrent, nattch == wanted, "shm_nattch is %ld, and %ld are attached",
                               nattch, wanted);
                        EXPECT(shmat_nattch_concurrent, views[s]->sum == (uint32_t)books->segment[s].added,
                               "%d processes added 1 to a segment, it holds %u", books->segment[s].added,
                               views[s]->sum);
                        removed[s] = once_in(2);
                        if (removed[s])
                                MUST(shmctl(books->ids[s], IPC_RMID, NULL));
                }
                open_gate(&books->morning);
                all_end(exit_shm_detached);
                for (int s = 0; s < SEGMENTS; s++) {
                        EXPECT(shmctl_rmid_attached_deferred, !gone(s),
                               "a removed segment is gone while it is attached");
                        EXPECT(exit_shm_detached, WITHIN(stat_of(s).shm_nattch == 1),
                               "when all but one have ended shm_nattch is %lu", (unsigned long)stat_of(s).shm_nattch);
                        EXPECT(shmat_nattch_concurrent, views[s]->sum == (uint32_t)books->segment[s].added,
                               "%d processes added 1 to a segment, it holds %u", books->segment[s].added,
                               views[s]->sum);
                        EXPECT(shmdt_ret_zero, shmdt(views[s]) == 0, "shmdt() fails with %s", errno_name(errno));
                        EXPECT(shmdt_last_destroys, gone(s) == removed[s],
                               "after the last shmdt() a segment that was %sremoved is %s", removed[s] ? "" : "not ",
                               removed[s] ? "there" : "gone");
                        if (removed[s])
                                continue;
                        const struct content *const again = shmat(books->ids[s], NULL, SHM_RDONLY);
                        EXPECT(xsi_ipc_persist_creator_exit, again != (void *)-1 && again->mark == (MARK | (uint32_t)s),
                               "what a segment held is gone when nobody has it attached");
                        MUST(shmdt(again));
                        MUST(shmctl(books->ids[s], IPC_RMID, NULL));
                }
        }
}
