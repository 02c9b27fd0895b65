/* SPDX-License-Identifier: MIT
 *
 * kernel.shm_rmid_forced: segments are destroyed as soon as nobody has them attached and their creator is gone.
 */
#include <sched.h>
#include <stdatomic.h>

#include "ipck_shm.h"

static void force(bool on)
{
        set_sysctl("kernel/shm_rmid_forced", on ? "1" : "0");
}

static void enter_ipc_namespace(int fd)
{
        if (setns(fd, CLONE_NEWIPC) == -1)
                UNSUPPORTED("setns(.., CLONE_NEWIPC) (%s)", errno_name(errno));
}

/* An identifier that others can read, and a segment whose creator has ended. */
static int *shared_id(void)
{
        return shared(sizeof(int));
}

static int new_orphan(size_t size)
{
        int *const segment = shared_id();
        struct child creator;

        CHILD(&creator)
                *segment = new_segment(size, 0600);
        join(&creator);
        return *segment;
}

static void expect_gone(enum ipck_requirement req, int segment)
{
        struct shmid_ds ds;

        EQ(req, shmctl(segment, IPC_STAT, &ds), -1);
        HOLDS(req, shmat(segment, NULL, 0) == SHM_FAILED);
}

static void expect_kept(enum ipck_requirement req, int segment)
{
        struct shmid_ds ds;

        EQ(req, shmctl(segment, IPC_STAT, &ds), 0);
}

/* ---- switched on ---- */

TEST(orphans_go_when_it_is_switched_on, VERIFIES(sysctl_rmid_forced_on_existing))
{
        enum { ORPHANS = 5 };
        const struct shm_info before = shm_usage();
        int orphans[ORPHANS];

        for (int i = 0; i < ORPHANS; i++)
                orphans[i] = new_orphan((size_t)(i + 1) * page_size());
        for (int i = 0; i < ORPHANS; i++)
                expect_kept(sysctl_rmid_forced_on_existing, orphans[i]);
        force(true);
        for (int i = 0; i < ORPHANS; i++)
                expect_gone(sysctl_rmid_forced_on_existing, orphans[i]);
        const struct shm_info after = shm_usage();
        BETWEEN(sysctl_rmid_forced_on_existing, 0, after.used_ids, before.used_ids);
        BETWEEN(sysctl_rmid_forced_on_existing, 0, after.shm_tot, before.shm_tot);
}

TEST(orphan_that_was_attached_before_goes, VERIFIES(sysctl_rmid_forced_on_existing))
{
        const int orphan = new_orphan(1);

        detach(attach(orphan, 0));
        force(true);
        expect_gone(sysctl_rmid_forced_on_existing, orphan);
}

TEST(attached_orphan_stays_until_the_last_detach,
     VERIFIES(sysctl_rmid_forced_on_existing, sysctl_rmid_forced_on_detach))
{
        const int orphan = new_orphan(1);
        char *const memory = attach(orphan, 0), *const again = attach(orphan, 0);

        strcpy(memory, "kept");
        force(true);
        EQ(sysctl_rmid_forced_on_existing, nattch(orphan), 2);
        detach(memory);
        EQ(sysctl_rmid_forced_on_detach, nattch(orphan), 1);
        HOLDS(sysctl_rmid_forced_on_existing, strcmp(again, "kept") == 0);
        detach(again);
        expect_gone(sysctl_rmid_forced_on_detach, orphan);
}

TEST(orphans_of_other_namespaces_stay, VERIFIES(sysctl_rmid_forced_on_existing))
{
        const int orphan = new_orphan(1);
        struct child elsewhere;

        CHILD(&elsewhere) {
                enter_new_ipc_namespace();
                const int local = new_orphan(1);
                force(true);
                expect_gone(sysctl_rmid_forced_on_existing, local);
        }
        join(&elsewhere);
        expect_kept(sysctl_rmid_forced_on_existing, orphan);
        force(true);
        expect_gone(sysctl_rmid_forced_on_existing, orphan);
}

/* ---- the creator ---- */

TEST(segment_of_a_live_creator_stays, VERIFIES(sysctl_rmid_forced_keeps_live_creator))
{
        static const struct {
                const char *name;
                bool killed;
        } rows[] = {{"exit", false}, {"SIGKILL", true}};

        EACH_ROW(row, rows) {
                int *const segment = shared_id();
                struct child creator;

                force(false);
                CHILD(&creator) {
                        *segment = new_segment(1, 0600);
                        stay(&creator);
                }
                UNTIL(stays(&creator));
                force(true);
                expect_kept(sysctl_rmid_forced_keeps_live_creator, *segment);
                if (row->killed)
                        kill_child(&creator);
                else
                        dismiss(&creator);
                expect_gone(sysctl_rmid_forced_keeps_live_creator, *segment);
        }
}

TEST(unattached_segment_goes_with_its_creator, VERIFIES(sysctl_rmid_forced_on_creator_exit))
{
        const struct shm_info before = shm_usage();
        int *const segment = shared_id();
        const key_t key = fresh_key();
        struct child creator;

        force(true);
        CHILD(&creator) {
                *segment = (int)MUST(shmget(key, 3 * page_size(), IPC_CREAT | 0600));
                (void)new_segment(1, 0600);
                stay(&creator);
        }
        UNTIL(stays(&creator));
        EQ(sysctl_rmid_forced_on_creator_exit, shmget(key, 0, 0), *segment);
        dismiss(&creator);
        expect_gone(sysctl_rmid_forced_on_creator_exit, *segment);
        EQ(sysctl_rmid_forced_on_creator_exit, shmget(key, 0, 0), -1);
        EQ(sysctl_rmid_forced_on_creator_exit, shm_usage().used_ids, before.used_ids);
        EQ(sysctl_rmid_forced_on_creator_exit, shm_usage().shm_tot, before.shm_tot);
}

TEST(children_of_the_creator_do_not_count, VERIFIES(sysctl_rmid_forced_on_creator_exit))
{
        int *const segment = shared_id();
        struct child creator, *const heir = shared(sizeof(*heir)), other;

        force(true);
        CHILD(&creator) {
                *segment = new_segment(1, 0600);
                /* The end of a child changes nothing, */
                CHILD(&other)
                        expect_kept(sysctl_rmid_forced_on_creator_exit, *segment);
                join(&other);
                expect_kept(sysctl_rmid_forced_on_creator_exit, *segment);
                /* and one that lives on does not hold the segment. */
                CHILD(heir)
                        await(&creator, 2);
                stay(&creator);
        }
        UNTIL(stays(&creator));
        dismiss(&creator);
        expect_gone(sysctl_rmid_forced_on_creator_exit, *segment);
        tell(&creator, 2);
        UNTIL(returned(heir));
}

/* The task that created it counts, not the process (struct task_struct.sysvshm). */
static atomic_int segment_of_thread = -1;

static void *create_and_end(void *unused)
{
        (void)unused;
        segment_of_thread = new_segment(1, 0600);
        return NULL;
}

TEST(segment_goes_with_the_thread_that_created_it, VERIFIES(sysctl_rmid_forced_on_creator_exit))
{
        pthread_t thread;
        struct shmid_ds ds;

        force(true);
        const int own = new_segment(1, 0600);
        start_thread(&thread, create_and_end, NULL);
        REQUIRE(pthread_join(thread, NULL) == 0);
        REQUIRE(segment_of_thread != -1);
        /* The thread may be joined a moment before it is gone. */
        EVENTUALLY(sysctl_rmid_forced_on_creator_exit, shmctl(segment_of_thread, IPC_STAT, &ds) == -1);
        expect_gone(sysctl_rmid_forced_on_creator_exit, segment_of_thread);
        expect_kept(sysctl_rmid_forced_on_creator_exit, own);
}

TEST(orphan_of_a_thread_goes_when_it_is_switched_on, VERIFIES(sysctl_rmid_forced_on_existing))
{
        pthread_t thread;
        struct shmid_ds ds;

        start_thread(&thread, create_and_end, NULL);
        REQUIRE(pthread_join(thread, NULL) == 0);
        REQUIRE(segment_of_thread != -1);
        expect_kept(sysctl_rmid_forced_on_existing, segment_of_thread);
        /* It becomes one when the thread is gone, which may be a moment later: then the exit destroys it. */
        force(true);
        EVENTUALLY(sysctl_rmid_forced_on_existing, shmctl(segment_of_thread, IPC_STAT, &ds) == -1);
}

/* ---- detaching ---- */

static void by_shmdt(char *memory)
{
        MUST(shmdt(memory));
}

static void by_munmap(char *memory)
{
        MUST(munmap(memory, page_size()));
}

static void by_exit(char *memory)
{
        (void)memory;
}

ROLE(do_nothing)
{
        (void)arg;
        return 0;
}

static void by_exec(char *memory)
{
        (void)memory;
        if (exec_role("do_nothing", "") == -1)
                UNSUPPORTED("executing the test program (%s)", errno_name(errno));
}

static void by_mapping_over(char *memory)
{
        if (mmap(memory, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
                UNSUPPORTED("mapping over a segment (%s)", errno_name(errno));
}

TEST(last_detach_destroys_the_segment, VERIFIES(sysctl_rmid_forced_on_detach))
{
        static const struct {
                const char *name;
                void (*detach)(char *memory);
        } rows[] = {
                {"shmdt", by_shmdt}, {"munmap", by_munmap}, {"exit", by_exit}, {"exec", by_exec},
                {"mapping over it", by_mapping_over},
        };

        force(true);
        EACH_ROW(row, rows) {
                /* Its creator lives on: the last detach is enough. */
                const int segment = new_segment(1, 0600);
                char *const memory = attach(segment, 0);
                struct child user;

                CHILD(&user) {
                        stay(&user);
                        row->detach(memory);
                }
                UNTIL(stays(&user));
                detach(memory);
                EQ(sysctl_rmid_forced_on_detach, nattch(segment), 1);
                dismiss(&user);
                expect_gone(sysctl_rmid_forced_on_detach, segment);
        }
}

TEST(attached_segment_survives_its_creator, VERIFIES(sysctl_rmid_forced_attached_kept))
{
        enum { SIZE = 20000 };
        int *const segment = shared_id();
        struct child creator;

        force(true);
        CHILD(&creator) {
                *segment = new_segment(SIZE, 0600);
                fill_pattern(attach(*segment, 0), SIZE, 1);
                stay(&creator);
        }
        UNTIL(stays(&creator));
        char *const memory = attach(*segment, 0);
        dismiss(&creator);
        HOLDS(sysctl_rmid_forced_attached_kept, has_pattern(memory, SIZE, 1));
        EQ(sysctl_rmid_forced_attached_kept, nattch(*segment), 1);
        /* And others can still come. */
        const char *const again = attach(*segment, SHM_RDONLY);
        HOLDS(sysctl_rmid_forced_attached_kept, has_pattern(again, SIZE, 1));
}

/* ---- namespaces ---- */

TEST(each_segment_goes_by_its_own_namespace, VERIFIES(sysctl_rmid_forced_multi_ns))
{
        static const struct {
                const char *name;
                bool forced;
        } rows[] = {{"forced", true}, {"not forced", false}, {"forced as well", true}, {"not forced either", false}};
        enum { NAMESPACES = sizeof(rows) / sizeof(*rows) };
        int fds[NAMESPACES], *const segments = shared(NAMESPACES * sizeof(*segments));
        struct child creator;

        for (int i = 0; i < NAMESPACES; i++) {
                enter_new_ipc_namespace();
                force(rows[i].forced);
                fds[i] = this_ipc_namespace();
        }
        CHILD(&creator)
                for (int i = 0; i < NAMESPACES; i++) {
                        enter_ipc_namespace(fds[i]);
                        segments[i] = new_segment(1, 0600);
                }
        join(&creator);
        EACH_ROW(row, rows) {
                enter_ipc_namespace(fds[row - rows]);
                if (row->forced)
                        expect_gone(sysctl_rmid_forced_multi_ns, segments[row - rows]);
                else
                        expect_kept(sysctl_rmid_forced_multi_ns, segments[row - rows]);
        }
}

TEST(unshare_orphans_segments, VERIFIES(sysctl_rmid_forced_on_unshare))
{
        static const struct {
                const char *name;
                bool forced;
        } rows[] = {{"forced", true}, {"not forced", false}};

        EACH_ROW(row, rows) {
                int *const bare = shared_id(), *const attached = shared_id();
                struct child creator;

                force(row->forced);
                CHILD(&creator) {
                        *bare = new_segment(1, 0600);
                        *attached = new_segment(1, 0600);
                        attach(*attached, 0);
                        stay(&creator);
                        enter_new_ipc_namespace();
                        here(&creator, 2);
                        await(&creator, 2);
                }
                UNTIL(stays(&creator));
                expect_kept(sysctl_rmid_forced_on_unshare, *bare);
                tell(&creator, 1);
                UNTIL(at(&creator) == 2);
                if (!row->forced) {
                        expect_kept(sysctl_rmid_forced_on_unshare, *bare);
                        force(true);
                }
                expect_gone(sysctl_rmid_forced_on_unshare, *bare);
                EQ(sysctl_rmid_forced_on_unshare, nattch(*attached), 1);
                tell(&creator, 2);
                join(&creator);
                expect_gone(sysctl_rmid_forced_on_unshare, *attached);
        }
}

/* ---- switched off ---- */

TEST(segments_stay_when_it_is_switched_off, VERIFIES(sysctl_rmid_forced_off_again))
{
        int *const segment = shared_id();
        struct child creator;

        force(true);
        CHILD(&creator) {
                *segment = new_segment(1, 0600);
                stay(&creator);
        }
        UNTIL(stays(&creator));
        const int own = new_segment(1, 0600);
        char *const memory = attach(own, 0);
        force(false);
        dismiss(&creator);
        expect_kept(sysctl_rmid_forced_off_again, *segment);
        detach(memory);
        expect_kept(sysctl_rmid_forced_off_again, own);
}
