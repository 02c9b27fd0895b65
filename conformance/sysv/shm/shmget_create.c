/* SPDX-License-Identifier: MIT
 *
 * shmget(): when a new segment comes into being, and what IPC_STAT says of it then.
 */
#include <grp.h>
#include <limits.h>
#include <sys/stat.h>

#include "ipck_shm.h"

TEST(identifiers_are_not_negative, VERIFIES(shmget_ret_nonneg))
{
        const key_t key = fresh_key();

        /* Some identifiers are taken. */
        burn_segment_ids(1);
        (void)new_segment(1, 0600);
        BETWEEN(shmget_ret_nonneg, 0, MUST(shmget(key, 1, IPC_CREAT | 0600)), INT_MAX);
        BETWEEN(shmget_ret_nonneg, 0, MUST(shmget(key, 1, 0600)), INT_MAX);
        /* More than the 64 that Linux hands out before identifiers carry a sequence number. */
        for (int i = 0; i < 200; i++) {
                const int segment = new_segment(1, 0600);

                BETWEEN(shmget_ret_nonneg, 0, segment, INT_MAX);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
        const key_t late = fresh_key();
        BETWEEN(shmget_ret_nonneg, 0, MUST(shmget(late, 1, IPC_CREAT | 0600)), INT_MAX);
        BETWEEN(shmget_ret_nonneg, 0, MUST(shmget(late, 1, 0600)), INT_MAX);
}

TEST(private_key_makes_a_new_segment, VERIFIES(shmget_create_private))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"no flag", 0600},
                {"IPC_CREAT", IPC_CREAT | 0600},
                {"no flag again", 0600},
                {"IPC_CREAT and IPC_EXCL", IPC_CREAT | IPC_EXCL | 0600},
        };
        int older = new_segment(3, 0600);

        /* The limits leave room for two. */
        MUST(shmctl(new_segment(2, 0600), IPC_RMID, NULL));
        EACH_ROW(row, rows) {
                char *const of_older = attach(older, 0);
                int segment;

                strcpy(of_older, "ab");
                EQ(shmget_create_private, worked(segment = shmget(IPC_PRIVATE, 2, row->flags)), 0);
                if (segment == -1)
                        continue;
                HOLDS(shmget_create_private, segment != older);
                EQ(shmget_create_private, stat_of_segment(segment).shm_segsz, 2);
                char *const of_newer = attach(segment, 0);
                strcpy(of_newer, "c");
                HOLDS(shmget_create_private, strcmp(of_older, "ab") == 0);
                detach(of_newer);
                detach(of_older);
                MUST(shmctl(older, IPC_RMID, NULL));
                older = segment;
        }
}

TEST(private_segments_that_exist_have_identifiers_of_their_own, VERIFIES(shmget_create_private))
{
        enum { SEGMENTS = 10, REPLACED = 100 };
        int segments[SEGMENTS];

        for (int i = 0; i < SEGMENTS; i++)
                segments[i] = new_segment(1, 0600);
        for (int round = 0; round < REPLACED; round++) {
                int *const chosen = &segments[random_below(SEGMENTS)];

                MUST(shmctl(*chosen, IPC_RMID, NULL));
                *chosen = -1;
                const int segment = new_segment(1, 0600);
                for (int i = 0; i < SEGMENTS; i++)
                        HOLDS(shmget_create_private, segments[i] != segment);
                *chosen = segment;
        }
}

static void expect_creation(key_t key)
{
        int segment;

        REQUIRE(shmget(key, 0, 0) == -1);
        EQ(shmget_create_key_creat, worked(segment = shmget(key, 3, IPC_CREAT | 0600)), 0);
        EQ(shmget_create_key_creat, shmget(key, 0, 0), segment);
        EQ(shmget_create_key_creat, stat_of_segment(segment).shm_segsz, 3);
        for (int bit = 0; bit < 32; bit++) {
                const key_t other = (key_t)((uint32_t)key ^ UINT32_C(1) << bit);

                if (other != IPC_PRIVATE)
                        HOLDS(shmget_create_key_creat, shmget(other, 0, 0) != segment);
        }
}

TEST(creat_makes_a_segment_under_its_key, VERIFIES(shmget_create_key_creat))
{
        expect_creation(fresh_key());
}

TEST(creat_makes_a_segment_under_a_negative_key, VERIFIES(shmget_create_key_creat))
{
        expect_creation(~fresh_key());
}

TEST(creator_and_owner_are_the_effective_ids, VERIFIES(shmget_init_cuid_uid, shmget_init_cgid_gid))
{
        /* Real, effective and saved differ: only one of the three can be right. */
        if (setgroups(0, NULL) == -1 || setresgid(GROUP_A, GROUP_B, GROUP_C) == -1 ||
            setresuid(USER_A, USER_B, USER_C) == -1)
                UNSUPPORTED("other users and groups (%s)", errno_name(errno));
        /* Readable by all: another owner than promised must be seen, not get in the way. */
        const struct shmid_ds ds = stat_of_segment(new_segment(1, 0666));

        EQ(shmget_init_cuid_uid, ds.shm_perm.cuid, USER_B);
        EQ(shmget_init_cuid_uid, ds.shm_perm.uid, USER_B);
        EQ(shmget_init_cgid_gid, ds.shm_perm.cgid, GROUP_B);
        EQ(shmget_init_cgid_gid, ds.shm_perm.gid, GROUP_B);
}

TEST(creator_and_owner_are_this_user, VERIFIES(shmget_init_cuid_uid, shmget_init_cgid_gid))
{
        const struct shmid_ds ds = stat_of_segment(new_segment(1, 0600));

        EQ(shmget_init_cuid_uid, ds.shm_perm.cuid, geteuid());
        EQ(shmget_init_cuid_uid, ds.shm_perm.uid, geteuid());
        EQ(shmget_init_cgid_gid, ds.shm_perm.cgid, getegid());
        EQ(shmget_init_cgid_gid, ds.shm_perm.gid, getegid());
}

/* ---- mode ---- */

static void check_mode(int mode)
{
        static const mode_t masks[] = {0, 0022, 0777};

        for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
                umask(masks[i]);
                const int private = segment_must_fit(shmget(IPC_PRIVATE, 1, mode), 1);
                const int keyed = segment_must_fit(shmget(fresh_key(), 1, IPC_CREAT | IPC_EXCL | mode), 1);
                EQ(shmget_init_mode, stat_of_segment(private).shm_perm.mode & 0777, mode);
                EQ(shmget_init_mode, stat_of_segment(keyed).shm_perm.mode & 0777, mode);
                MUST(shmctl(private, IPC_RMID, NULL));
                MUST(shmctl(keyed, IPC_RMID, NULL));
        }
}

TEST(mode_is_that_of_the_flags, VERIFIES(shmget_init_mode))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0400", 0400}, {"0600", 0600}, {"0421", 0421}, {"0642", 0642}, {"0555", 0555}, {"0777", 0777}};

        EACH_ROW(row, rows)
                check_mode(row->mode);
}

TEST(mode_without_read_permission_is_kept, VERIFIES(shmget_init_mode))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0000", 0}, {"0200", 0200}, {"0044", 0044}, {"0111", 0111}};
        const int closed = segment_must_fit(shmget(IPC_PRIVATE, 1, 0), 1);
        struct shmid_ds ds;

        if (shmctl(closed, IPC_STAT, &ds) == -1 && errno == EACCES)
                UNSUPPORTED("privilege to read a segment of mode 0");
        EACH_ROW(row, rows)
                check_mode(row->mode);
}

/* ---- size ---- */

TEST(size_is_the_one_asked_for, VERIFIES(shmget_init_segsz))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {
                {"one byte", 1}, {"a page but one byte", page - 1}, {"a page", page}, {"a page and a byte", page + 1},
                {"three pages and a bit", 3 * page + 123}, {"a million and one", 1000001}, {"4 MiB", 4 << 20},
        };

        EACH_ROW(row, rows) {
                const int segment = new_segment(row->size, 0600);

                EQ(shmget_init_segsz, stat_of_segment(segment).shm_segsz, row->size);
                /* The memory is there, whatever the size says. */
                detach(attach(segment, 0));
                EQ(shmget_init_segsz, stat_of_segment(segment).shm_segsz, row->size);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

/* ---- processes and times ---- */

/* Leaves memory that a kernel may use again, in which nothing is 0 that should be in a new segment. */
static void use_and_remove_a_segment(void)
{
        const int old = new_segment(1, 0600);
        const char *const memory = attach(old, 0), *const other = attach(old, 0);

        detach(other);
        const struct shmid_ds ds = stat_of_segment(old);
        REQUIRE(ds.shm_lpid != 0 && ds.shm_nattch == 1 && ds.shm_atime != 0 && ds.shm_dtime != 0);
        MUST(shmctl(old, IPC_RMID, NULL));
        detach(memory);
}

TEST(nobody_has_attached_a_new_segment, VERIFIES(shmget_init_nattch0, shmget_init_atime0, shmget_init_dtime0,
                                                 shmget_init_lpid0))
{
        for (int round = 0; round < 20; round++) {
                use_and_remove_a_segment();
                const int segment = new_segment(1, 0600);
                const struct shmid_ds ds = stat_of_segment(segment);

                EQ(shmget_init_nattch0, ds.shm_nattch, 0);
                EQ(shmget_init_atime0, ds.shm_atime, 0);
                EQ(shmget_init_dtime0, ds.shm_dtime, 0);
                EQ(shmget_init_lpid0, ds.shm_lpid, 0);
        }
}

TEST(only_attaching_leaves_a_last_process, VERIFIES(shmget_init_lpid0))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 1, IPC_CREAT | 0600), 1);
        struct child other;

        MUST(shmget(key, 1, 0600));
        set_segment_mode(segment, 0644);
        EQ(shmget_init_lpid0, stat_of_segment(segment).shm_lpid, 0);
        CHILD(&other)
                detach(attach(segment, SHM_RDONLY));
        join(&other);
        EQ(shmget_init_lpid0, stat_of_segment(segment).shm_lpid, other.pid);
}

TEST(creating_process_is_named, VERIFIES(shmget_init_cpid))
{
        int *const segment = shared(sizeof(*segment));
        const int mine = new_segment(1, 0600);
        struct child creator;

        EQ(shmget_init_cpid, stat_of_segment(mine).shm_cpid, getpid());
        CHILD(&creator)
                *segment = new_segment(1, 0600);
        join(&creator);
        EQ(shmget_init_cpid, stat_of_segment(*segment).shm_cpid, creator.pid);
        /* Who attaches it is another matter. */
        detach(attach(*segment, 0));
        EQ(shmget_init_cpid, stat_of_segment(*segment).shm_cpid, creator.pid);
}

static void check_creation_time(int *segment)
{
        const time_t before = now();
        *segment = new_segment(1, 0600);
        const time_t after = now();

        BETWEEN(shmget_init_ctime, before, stat_of_segment(*segment).shm_ctime, after);
}

TEST(change_time_is_that_of_the_creation, VERIFIES(shmget_init_ctime), MOSTLY_WAITS)
{
        int first, second;

        check_creation_time(&first);
        const time_t of_first = stat_of_segment(first).shm_ctime;
        /* Late in a second, a stamp to the nearest one would lie in the future. */
        moment_of_second(of_first + 1, 700000000);
        check_creation_time(&second);
        EQ(shmget_init_ctime, stat_of_segment(first).shm_ctime, of_first);
}
