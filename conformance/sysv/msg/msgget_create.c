/* SPDX-License-Identifier: MIT
 *
 * msgget(): when a new queue comes into being, and what it looks like then.
 */
#include <grp.h>
#include <limits.h>
#include <sys/stat.h>

#include "ipck_msg.h"

/* ---- existence ---- */

TEST(identifiers_are_accepted_and_not_negative, VERIFIES(msgget_ret_nonneg))
{
        const key_t key = fresh_key();
        struct msqid_ds ds;

        /* Some identifiers are taken. */
        const int other = new_queue(0600);
        burn_queue_ids(1);
        BETWEEN(msgget_ret_nonneg, 0, msgget(key, IPC_CREAT | 0600), INT_MAX);
        BETWEEN(msgget_ret_nonneg, 0, msgget(key, 0600), INT_MAX);
        MUST(msgctl(other, IPC_RMID, NULL));
        /* More than the 64 that Linux hands out before identifiers carry a sequence number. */
        for (int i = 0; i < 200; i++) {
                const int queue = queue_must_fit(msgget(IPC_PRIVATE, IPC_CREAT | 0600));

                BETWEEN(msgget_ret_nonneg, 0, queue, INT_MAX);
                EQ(msgget_ret_nonneg, worked(msgctl(queue, IPC_STAT, &ds)), 0);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
        const key_t late = fresh_key();
        BETWEEN(msgget_ret_nonneg, 0, MUST(msgget(late, IPC_CREAT | 0600)), INT_MAX);
        BETWEEN(msgget_ret_nonneg, 0, MUST(msgget(late, 0600)), INT_MAX);
}

TEST(private_key_makes_a_new_queue, VERIFIES(msgget_create_private))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"no flag", 0600}, {"IPC_CREAT", IPC_CREAT | 0600}, {"no flag again", 0600},
                {"IPC_CREAT again", IPC_CREAT | 0600},
        };
        int older = new_queue(0600);

        /* There is room for a second one. */
        burn_queue_ids(1);
        EACH_ROW(row, rows) {
                post(older, 7, "older");
                const struct queue_view before = view_of_queue(older);
                int queue;

                EQ(msgget_create_private, worked(queue = msgget(IPC_PRIVATE, row->flags)), 0);
                if (queue == -1)
                        continue;
                HOLDS(msgget_create_private, queue != older);
                EQ(msgget_create_private, QNUM(queue), 0);
                post(queue, 9, "new");
                const struct queue_view after = view_of_queue(older);
                HOLDS(msgget_create_private, same_queue_view(&before, &after));
                MUST(msgctl(older, IPC_RMID, NULL));
                older = queue;
        }
}

TEST(flags_mean_nothing_beside_the_private_key, VERIFIES(msgget_create_private_ignores_excl))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"none", 0}, {"IPC_CREAT", IPC_CREAT}, {"IPC_EXCL", IPC_EXCL},
                {"IPC_CREAT and IPC_EXCL", IPC_CREAT | IPC_EXCL}, {"IPC_NOWAIT", IPC_NOWAIT},
                {"all above the low nine", ~0777},
        };
        const int plain = new_queue(0640);
        const struct msqid_ds wanted = stat_of_queue(plain);

        /* There is room for a second one. */
        burn_queue_ids(1);
        EACH_ROW(row, rows) {
                int queue;

                EQ(msgget_create_private_ignores_excl, worked(queue = msgget(IPC_PRIVATE, row->flags | 0640)), 0);
                if (queue == -1)
                        continue;
                HOLDS(msgget_create_private_ignores_excl, queue != plain);
                const struct msqid_ds ds = stat_of_queue(queue);
                EQ(msgget_create_private_ignores_excl, ds.msg_perm.mode, wanted.msg_perm.mode);
                EQ(msgget_create_private_ignores_excl, ds.msg_qbytes, wanted.msg_qbytes);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

static void expect_creation(key_t key)
{
        int queue;

        REQUIRE(msgget(key, 0) == -1);
        EQ(msgget_create_key_creat, worked(queue = msgget(key, IPC_CREAT | 0600)), 0);
        EQ(msgget_create_key_creat, msgget(key, 0), queue);
        EQ(msgget_create_key_creat, msgget(key, 0600), queue);
        EQ(msgget_create_key_creat, QNUM(queue), 0);
        for (int bit = 0; bit < 32; bit++) {
                const key_t other = (key_t)((uint32_t)key ^ UINT32_C(1) << bit);

                if (other != IPC_PRIVATE)
                        HOLDS(msgget_create_key_creat, msgget(other, 0) != queue);
        }
}

TEST(creat_makes_a_queue_under_its_key, VERIFIES(msgget_create_key_creat))
{
        expect_creation(fresh_key());
}

TEST(creat_makes_a_queue_under_a_negative_key, VERIFIES(msgget_create_key_creat))
{
        expect_creation(~fresh_key());
}

/* ---- owner and mode ---- */

TEST(creator_and_owner_are_the_effective_ids, VERIFIES(msgget_init_cuid_uid, msgget_init_cgid_gid))
{
        /* Real, effective and saved differ: only one of the three can be right. */
        if (setgroups(0, NULL) == -1 || setresgid(GROUP_A, GROUP_B, GROUP_C) == -1 ||
            setresuid(USER_A, USER_B, USER_C) == -1)
                UNSUPPORTED("other users and groups (%s)", errno_name(errno));
        /* Readable by all: another owner than promised must be seen, not get in the way. */
        const struct msqid_ds ds = stat_of_queue(new_queue(0666));

        EQ(msgget_init_cuid_uid, ds.msg_perm.cuid, USER_B);
        EQ(msgget_init_cuid_uid, ds.msg_perm.uid, USER_B);
        EQ(msgget_init_cgid_gid, ds.msg_perm.cgid, GROUP_B);
        EQ(msgget_init_cgid_gid, ds.msg_perm.gid, GROUP_B);
}

static void check_mode(enum ipck_requirement req, int mode)
{
        const int private = queue_must_fit(msgget(IPC_PRIVATE, mode));
        const int keyed = queue_must_fit(msgget(fresh_key(), IPC_CREAT | IPC_EXCL | mode));

        EQ(req, stat_of_queue(private).msg_perm.mode & 0777, mode);
        EQ(req, stat_of_queue(keyed).msg_perm.mode & 0777, mode);
        MUST(msgctl(private, IPC_RMID, NULL));
        MUST(msgctl(keyed, IPC_RMID, NULL));
}

TEST(mode_is_that_of_the_flags, VERIFIES(msgget_init_mode))
{
        for (int mode = 0; mode <= 0777; mode++)
                if (mode & 0400)
                        check_mode(msgget_init_mode, mode);
}

TEST(mode_without_read_permission_is_kept, VERIFIES(msgget_init_mode))
{
        const int closed = new_queue(0);
        struct msqid_ds ds;

        if (msgctl(closed, IPC_STAT, &ds) == -1 && errno == EACCES)
                UNSUPPORTED("privilege to read a queue of mode 0");
        for (int mode = 0; mode <= 0777; mode++)
                if (!(mode & 0400))
                        check_mode(msgget_init_mode, mode);
}

TEST(file_mode_creation_mask_has_no_effect, VERIFIES(msgget_init_mode_no_umask))
{
        static const mode_t masks[] = {0, 0022, 0477, 0777};

        for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
                umask(masks[i]);
                check_mode(msgget_init_mode_no_umask, 0777);
                check_mode(msgget_init_mode_no_umask, 0642);
                check_mode(msgget_init_mode_no_umask, 0400);
        }
}

/* ---- counters, process ids and times ---- */

TEST(new_queue_has_no_past,
     VERIFIES(msgget_init_qnum0, msgget_init_cbytes0, msgget_init_lspid0, msgget_init_lrpid0, msgget_init_stime0,
              msgget_init_rtime0, msgget_init_ctime))
{
        /* Memory of a queue that was used may be used again; when is up to the kernel. */
        for (int round = 0; round < 20; round++) {
                const time_t before = now();
                const int queue = new_queue(0600);
                const time_t after = now();
                const struct queue_view view = view_of_queue(queue);

                EQ(msgget_init_qnum0, view.qnum, 0);
                EQ(msgget_init_cbytes0, view.cbytes, 0);
                EQ(msgget_init_lspid0, view.lspid, 0);
                EQ(msgget_init_lrpid0, view.lrpid, 0);
                EQ(msgget_init_stime0, view.stime, 0);
                EQ(msgget_init_rtime0, view.rtime, 0);
                BETWEEN(msgget_init_ctime, before, view.ctime, after);

                post(queue, 1, "first");
                post(queue, 2, "second");
                MUST(take(queue, 1));
                const struct queue_view used = view_of_queue(queue);
                REQUIRE(used.qnum && used.cbytes && used.lspid && used.lrpid && used.stime && used.rtime);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

TEST(creation_is_stamped_with_its_own_second, VERIFIES(msgget_init_ctime), MOSTLY_WAITS)
{
        const struct msqid_ds old = stat_of_queue(new_queue(0600));

        next_second(old.msg_ctime);
        const time_t before = now();
        const int private = new_queue(0600), keyed = queue_must_fit(msgget(fresh_key(), IPC_CREAT | 0600));
        const time_t after = now();

        BETWEEN(msgget_init_ctime, before, stat_of_queue(private).msg_ctime, after);
        BETWEEN(msgget_init_ctime, before, stat_of_queue(keyed).msg_ctime, after);
}

/* ---- bytes ---- */

TEST(bytes_are_limited_by_that_of_the_system, VERIFIES(msgget_init_qbytes))
{
        const int small = new_queue_for(3, 0600), private = new_queue(0600);
        const int keyed = queue_must_fit(msgget(fresh_key(), IPC_CREAT | 0600));

        EQ(msgget_init_qbytes, stat_of_queue(private).msg_qbytes, msg_limits().msgmnb);
        EQ(msgget_init_qbytes, stat_of_queue(keyed).msg_qbytes, msg_limits().msgmnb);
        /* The limit of the memory's last user is not that of the next. */
        MUST(msgctl(small, IPC_RMID, NULL));
        EQ(msgget_init_qbytes, stat_of_queue(new_queue(0600)).msg_qbytes, msg_limits().msgmnb);
}

TEST(bytes_are_limited_by_the_sysctl, VERIFIES(msgget_init_qbytes_msgmnb))
{
        const uintmax_t msgmnb = number_in("/proc/sys/kernel/msgmnb", "");

        EQ(msgget_init_qbytes_msgmnb, stat_of_queue(new_queue(0600)).msg_qbytes, msgmnb);
}

TEST(bytes_follow_the_sysctl, VERIFIES(msgget_init_qbytes_msgmnb))
{
        static const struct {
                const char *name, *text;
                unsigned msgmnb;
        } rows[] = {{"1", "1", 1}, {"70000", "70000", 70000}, {"20000", "20000", 20000}, {"0", "0", 0},
                    {"INT_MAX", "2147483647", INT_MAX}};

        EACH_ROW(row, rows) {
                set_sysctl("kernel/msgmnb", row->text);
                EQ(msgget_init_qbytes_msgmnb, stat_of_queue(new_queue(0600)).msg_qbytes, row->msgmnb);
        }
}

TEST(bytes_are_those_of_the_own_namespace, VERIFIES(msgget_init_qbytes_msgmnb))
{
        struct child guest;

        set_sysctl("kernel/msgmnb", "20001");
        CHILD(&guest) {
                enter_new_ipc_namespace();
                set_sysctl("kernel/msgmnb", "30002");
                EQ(msgget_init_qbytes_msgmnb, stat_of_queue(new_queue(0600)).msg_qbytes, 30002);
        }
        join(&guest);
        EQ(msgget_init_qbytes_msgmnb, stat_of_queue(new_queue(0600)).msg_qbytes, 20001);
}
