/* SPDX-License-Identifier: MIT
 *
 * What attaching and detaching write into the segment's structure: shm_nattch, shm_lpid, shm_atime and shm_dtime.
 */
#include "ipck_shm.h"

/* ---- shm_nattch ---- */

TEST(each_attachment_counts_for_one, VERIFIES(shmat_upd_nattch, shmdt_upd_nattch))
{
        enum { COUNT = 20 };
        static const int flags[] = {0, SHM_RDONLY, SHM_RND, SHM_EXEC};
        const int segment = new_segment(page_size(), 0700), other = new_segment(page_size(), 0600);
        void *place[COUNT];

        for (int i = 0; i < COUNT; i++) {
                place[i] = shmat(segment, NULL, flags[i % 4]);
                REQUIRE(place[i] != SHM_FAILED);
                EQ(shmat_upd_nattch, nattch(segment), i + 1);
        }
        EQ(shmat_upd_nattch, nattch(other), 0);
        detach(attach(other, 0));
        for (int left = COUNT; left > 0; left--) {
                const uint32_t i = random_below((uint32_t)left);

                EQ(shmdt_upd_nattch, shmdt(place[i]), 0);
                EQ(shmdt_upd_nattch, nattch(segment), left - 1);
                place[i] = place[left - 1];
        }
        EQ(shmdt_upd_nattch, nattch(other), 0);
}

/* ---- shm_lpid ---- */

TEST(lpid_is_the_last_to_attach_or_detach, VERIFIES(shmat_upd_lpid, shmdt_upd_lpid))
{
        const int segment = new_segment(page_size(), 0600);
        struct child user;

        CHILD(&user) {
                char *const place = attach(segment, 0);
                here(&user, 1);
                await(&user, 1);
                detach(place);
                here(&user, 2);
                await(&user, 2);
        }
        UNTIL(at(&user) == 1);
        EQ(shmat_upd_lpid, stat_of_segment(segment).shm_lpid, user.pid);
        char *const place = attach(segment, 0);
        EQ(shmat_upd_lpid, stat_of_segment(segment).shm_lpid, getpid());
        tell(&user, 1);
        UNTIL(at(&user) == 2);
        EQ(shmdt_upd_lpid, stat_of_segment(segment).shm_lpid, user.pid);
        detach(place);
        EQ(shmdt_upd_lpid, stat_of_segment(segment).shm_lpid, getpid());
        tell(&user, 2);
        join(&user);
        /* Nothing was attached any more. */
        EQ(shmdt_upd_lpid, stat_of_segment(segment).shm_lpid, getpid());
        EQ(shmdt_upd_lpid, stat_of_segment(segment).shm_cpid, getpid());
}

static int used;
static pid_t lpid_attached, lpid_detached;

static void *use_segment(void *unused)
{
        char *const place = attach(used, 0);

        lpid_attached = stat_of_segment(used).shm_lpid;
        detach(place);
        lpid_detached = stat_of_segment(used).shm_lpid;
        return unused;
}

TEST(lpid_of_a_thread_is_that_of_its_process, VERIFIES(shmat_upd_lpid, shmdt_upd_lpid))
{
        pthread_t thread;

        used = new_segment(page_size(), 0600);
        start_thread(&thread, use_segment, NULL);
        REQUIRE(pthread_join(thread, NULL) == 0);
        EQ(shmat_upd_lpid, lpid_attached, getpid());
        EQ(shmdt_upd_lpid, lpid_detached, getpid());
}

/* ---- times ---- */

/* Attaches, and shows that this alone is stamped. */
static char *attach_in_time(int segment, int shmflg)
{
        const time_t last_dtime = stat_of_segment(segment).shm_dtime, before = now();
        char *const place = attach(segment, shmflg);
        const time_t after = now();
        const struct shmid_ds ds = stat_of_segment(segment);

        BETWEEN(shmat_upd_atime, before, ds.shm_atime, after);
        EQ(shmat_upd_dtime_unchanged, ds.shm_dtime, last_dtime);
        return place;
}

TEST(attaching_sets_atime_and_detaching_dtime,
     VERIFIES(shmat_upd_atime, shmat_upd_dtime_unchanged, shmdt_upd_dtime, shmctl_stat_fields), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                int shmflg;
        } rows[] = {{"to read and write", 0}, {"to read", SHM_RDONLY}};
        enum { ROWS = sizeof(rows) / sizeof(*rows) };
        int segments[ROWS] = {0};
        char *places[ROWS] = {NULL};

        EACH_ROW(row, rows) {
                const int segment = segments[row - rows] = new_segment(page_size(), 0600);

                REQUIRE(stat_of_segment(segment).shm_atime == 0 && stat_of_segment(segment).shm_dtime == 0);
                places[row - rows] = attach_in_time(segment, row->shmflg);
        }
        next_second(now());
        EACH_ROW(row, rows) {
                const int segment = segments[row - rows];
                const struct shmid_ds ds = stat_of_segment(segment);
                const time_t before = now();

                detach(places[row - rows]);
                const time_t after = now();
                BETWEEN(shmdt_upd_dtime, before, stat_of_segment(segment).shm_dtime, after);
                EQ(shmdt_upd_dtime, stat_of_segment(segment).shm_atime, ds.shm_atime);
                EQ(shmctl_stat_fields, stat_of_segment(segment).shm_ctime, ds.shm_ctime);
        }
        next_second(now());
        EACH_ROW(row, rows)
                (void)attach_in_time(segments[row - rows], row->shmflg);
}

TEST(stores_and_loads_stamp_nothing, VERIFIES(shmat_upd_atime, shmat_upd_dtime_unchanged), MOSTLY_WAITS)
{
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach(segment, 0);

        detach(attach(segment, 0));
        const struct segment_view before = view_of_segment(segment);
        next_second(now());
        fill_pattern(place, page_size(), 1);
        REQUIRE(has_pattern(place, page_size(), 1));
        const struct segment_view after = view_of_segment(segment);
        EQ(shmat_upd_atime, after.atime, before.atime);
        EQ(shmat_upd_dtime_unchanged, after.dtime, before.dtime);
}
