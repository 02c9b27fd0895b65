/* SPDX-License-Identifier: MIT
 *
 * shmctl() IPC_SET: which members it takes over, which it does not, and what it refuses.
 */
#include <linux/capability.h>

#include "ipck_shm.h"

/* In shm_perm.mode of a segment that has been removed while attached. */
#ifndef SHM_DEST
#define SHM_DEST 01000
#endif

/* ---- owner and group ---- */

TEST(creator_and_owner_set_owner_and_group, VERIFIES(shmctl_set_uid, shmctl_set_gid))
{
        int *const segment = shared(sizeof(*segment));
        struct child creator, owner;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *segment = new_segment(1, 0644);
                EQ(shmctl_set_uid, segment_set(*segment, USER_B, GROUP_A, 0644), 0);
                const struct shmid_ds ds = stat_of_segment(*segment);
                EQ(shmctl_set_uid, ds.shm_perm.uid, USER_B);
                EQ(shmctl_set_uid, ds.shm_perm.cuid, USER_A);
                EQ(shmctl_set_gid, ds.shm_perm.gid, GROUP_A);
        }
        join(&creator);
        CHILD(&owner) {
                become(USER_B, GROUP_B, NULL, 0);
                EQ(shmctl_set_gid, segment_set(*segment, USER_B, GROUP_C, 0644), 0);
                struct shmid_ds ds = stat_of_segment(*segment);
                EQ(shmctl_set_gid, ds.shm_perm.gid, GROUP_C);
                EQ(shmctl_set_gid, ds.shm_perm.cgid, GROUP_A);
                EQ(shmctl_set_uid, ds.shm_perm.uid, USER_B);
                EQ(shmctl_set_uid, segment_set(*segment, USER_C, GROUP_C, 0644), 0);
                ds = stat_of_segment(*segment);
                EQ(shmctl_set_uid, ds.shm_perm.uid, USER_C);
                EQ(shmctl_set_uid, ds.shm_perm.cuid, USER_A);
        }
        join(&owner);
}

/* ---- mode ---- */

TEST(set_takes_nine_permission_bits, VERIFIES(shmctl_set_mode))
{
        static const struct {
                const char *name;
                int before, given;
        } rows[] = {
                {"0600 to 0777", 0600, 0777}, {"0777 to 0400", 0777, 0400}, {"0400 to 0652", 0400, 0652},
                {"0652 to 0525", 0652, 0525}, {"0600 to 0000", 0600, 0}, {"0400 to 0124", 0400, 0124},
                {"0600 to 0241", 0600, 0241}, {"0600 to 0177640", 0600, 0177640},
        };

        EACH_ROW(row, rows) {
                /* Who has just lost read permission could not look. */
                if (!(row->given & 0400) && !has_capability(CAP_IPC_OWNER))
                        continue;
                const int segment = new_segment(1, row->before);

                EQ(shmctl_set_mode, segment_set(segment, geteuid(), getegid(), row->given), 0);
                EQ(shmctl_set_mode, stat_of_segment(segment).shm_perm.mode & 0777, row->given & 0777);
        }
}

TEST(set_neither_marks_nor_unmarks_for_removal, VERIFIES(shmctl_set_mode_keeps_flags))
{
        static const struct {
                const char *name;
                int given;
        } rows[] = {{"nine bits", 0640}, {"all bits", 0177777}, {"SHM_DEST", SHM_DEST | 0604},
                    {"all but SHM_DEST", 0177777 & ~SHM_DEST}};

        EACH_ROW(row, rows) {
                const int marked = new_segment(1, 0600), plain = new_segment(1, 0600);
                const char *const memory = attach(marked, 0);

                MUST(shmctl(marked, IPC_RMID, NULL));
                EQ(shmctl_set_mode_keeps_flags, segment_set(marked, geteuid(), getegid(), row->given), 0);
                EQ(shmctl_set_mode_keeps_flags, stat_of_segment(marked).shm_perm.mode,
                   SHM_DEST | (row->given & 0777));
                EQ(shmctl_set_mode_keeps_flags, segment_set(plain, geteuid(), getegid(), row->given), 0);
                EQ(shmctl_set_mode_keeps_flags, stat_of_segment(plain).shm_perm.mode, row->given & 0777);

                /* The mark is what it says. */
                detach(memory);
                detach(attach(plain, 0));
                EQ(shmctl_set_mode_keeps_flags, nattch(marked), -1);
                EQ(shmctl_set_mode_keeps_flags, nattch(plain), 0);
        }
}

/* ---- what it does beside ---- */

TEST(set_stamps_the_change, VERIFIES(shmctl_set_ctime), MOSTLY_WAITS)
{
        const int segment = new_segment(1, 0600);
        const time_t created = stat_of_segment(segment).shm_ctime;

        /* Late in a second: a stamp to the nearest one would lie in the future. */
        moment_of_second(created + 1, 700000000);
        const time_t before = now();
        MUST(segment_set(segment, geteuid(), getegid(), 0640));
        const time_t after = now();
        BETWEEN(shmctl_set_ctime, before, stat_of_segment(segment).shm_ctime, after);

        /* Also where nothing is new. */
        next_second(after);
        const time_t earliest = now();
        MUST(segment_set(segment, geteuid(), getegid(), 0640));
        BETWEEN(shmctl_set_ctime, earliest, stat_of_segment(segment).shm_ctime, now());
}

TEST(other_members_are_ignored, VERIFIES(shmctl_set_segsz_ignored))
{
        static const struct {
                const char *name;
                unsigned char filling;
        } rows[] = {{"zeroes", 0}, {"ones", 0xff}, {"a pattern", 0x5a}};
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 5000, IPC_CREAT | 0600), 5000);
        struct child user;

        CHILD(&user)
                detach(attach(segment, 0));
        join(&user);
        char *const memory = attach(segment, 0);
        strcpy(memory, "ab");
        struct segment_view before = view_of_segment(segment);
        before.mode = 0640;
        EACH_ROW(row, rows) {
                struct shmid_ds ds;

                memset(&ds, row->filling, sizeof(ds));
                ds.shm_perm.uid = geteuid();
                ds.shm_perm.gid = getegid();
                ds.shm_perm.mode = 0640;
                EQ(shmctl_set_segsz_ignored, shmctl(segment, IPC_SET, &ds), 0);
                struct segment_view after = view_of_segment(segment);
                after.ctime = before.ctime;
                HOLDS(shmctl_set_segsz_ignored, same_segment_view(&before, &after));
                EQ(shmctl_set_segsz_ignored, shmget(key, 5000, 0), segment);
        }
        HOLDS(shmctl_set_segsz_ignored, strcmp(memory, "ab") == 0);
        EQ(shmctl_set_segsz_ignored, store_signal(memory + 4999), 0);
}

TEST(attachments_keep_their_access, VERIFIES(shmctl_set_existing_attach))
{
        const int segment = new_segment(1, 0600);
        char *const memory = attach(segment, 0);
        const char *const reader = attach(segment, SHM_RDONLY);
        struct child other;

        drop_all_capabilities();
        *memory = 1;
        detach(attach(segment, 0));
        set_segment_mode(segment, 0);
        FAILS_WITH(shmctl_set_existing_attach, EACCES, shmat(segment, NULL, 0));
        FAILS_WITH(shmctl_set_existing_attach, EACCES, shmat(segment, NULL, SHM_RDONLY));
        EQ(shmctl_set_existing_attach, store_signal(memory), 0);
        *memory = 2;
        EQ(shmctl_set_existing_attach, load_signal(reader), 0);
        EQ(shmctl_set_existing_attach, *reader, 2);
        /* Nor does a process that is born with them lose it. */
        CHILD(&other) {
                EQ(shmctl_set_existing_attach, store_signal(memory), 0);
                *memory = 3;
        }
        join(&other);
        EQ(shmctl_set_existing_attach, *reader, 3);
}

/* ---- ids that cannot be ---- */

TEST(ids_of_minus_one_are_refused, VERIFIES(shmctl_set_einval_baduid), MOSTLY_WAITS)
{
        const uid_t uid = geteuid();
        const gid_t gid = getegid();
        const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } rows[] = {{"uid -1", (uid_t)-1, gid}, {"gid -1", uid, (gid_t)-1}, {"both -1", (uid_t)-1, (gid_t)-1}};
        const int segment = new_segment(2, 0600);
        const struct segment_view before = view_of_segment(segment);

        next_second(before.ctime);
        EACH_ROW(row, rows) {
                FAILS_WITH(shmctl_set_einval_baduid, EINVAL, segment_set(segment, row->uid, row->gid, 0640));
                const struct segment_view after = view_of_segment(segment);
                HOLDS(shmctl_set_einval_baduid, same_segment_view(&before, &after));
        }
        EQ(shmctl_set_einval_baduid, segment_set(segment, uid, gid, 0640), 0);
}

TEST(ids_without_a_mapping_are_refused, VERIFIES(shmctl_set_einval_baduid))
{
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } rows[] = {{"uid without mapping", 7, 6}, {"gid without mapping", 5, 7}, {"uid -1", (uid_t)-1, 6},
                    {"gid -1", 5, (gid_t)-1}};
        const int segment = new_segment(1, 0600);
        const struct segment_view before = view_of_segment(segment);
        struct child guest;

        CHILD(&guest) {
                enter_user_namespace(5, 6);
                EACH_ROW(row, rows)
                        FAILS_WITH(shmctl_set_einval_baduid, EINVAL, segment_set(segment, row->uid, row->gid, 0644));
        }
        join(&guest);
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmctl_set_einval_baduid, same_segment_view(&before, &after));
        CHILD(&guest) {
                enter_user_namespace(5, 6);
                EQ(shmctl_set_einval_baduid, segment_set(segment, 5, 6, 0644), 0);
        }
        join(&guest);
        EQ(shmctl_set_einval_baduid, stat_of_segment(segment).shm_perm.mode, 0644);
}

/* ---- memory ---- */

TEST(set_from_bad_memory_has_no_effect, VERIFIES(shmctl_set_efault), MOSTLY_WAITS)
{
        /* How much of it a system reads is its own affair, but the owner it must read. */
        void *const cut = guarded(sizeof(int));
        const struct {
                const char *name;
                struct shmid_ds *ds;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"null pointer", NULL}, {"first word of the structure", cut},
        };
        const int segment = new_segment(2, 0600);

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        const struct shmid_ds ds = stat_of_segment(segment);
        memcpy(cut, &ds, sizeof(int));
        const struct segment_view before = view_of_segment(segment);
        next_second(before.ctime);
        EACH_ROW(row, rows) {
                FAILS_WITH(shmctl_set_efault, EFAULT, shmctl(segment, IPC_SET, row->ds));
                const struct segment_view after = view_of_segment(segment);
                HOLDS(shmctl_set_efault, same_segment_view(&before, &after));
        }
        EQ(shmctl_set_efault, segment_set(segment, geteuid(), getegid(), 0640), 0);
}
