/* SPDX-License-Identifier: MIT
 *
 * ipcs -i of util-linux: the details of one object, and identifiers that name none.
 */
#include <limits.h>

#include "ipck_listing.h"

static struct ran details(int kind, int id)
{
        return RUN("ipcs", facilities[kind].option, "-i", decimal(id));
}

/* ---- the details ---- */

static void expect_segment(int segment)
{
        const struct shmid_ds ds = stat_of_segment(segment);
        const struct ran shown = details(SEGMENT, segment);

        EQ(ipcs_id_shm, shown.status, 0);
        READS(ipcs_id_shm, value_of(shown.out, "shmid="), "%d", segment);
        READS(ipcs_id_shm, value_of(shown.out, "uid="), "%u", ds.shm_perm.uid);
        READS(ipcs_id_shm, value_of(shown.out, "cuid="), "%u", ds.shm_perm.cuid);
        READS(ipcs_id_shm, value_of(shown.out, "mode="), "%#o", ds.shm_perm.mode);
        READS(ipcs_id_shm, value_of(shown.out, "access_perms="), "%#o", ds.shm_perm.mode & 0777);
        READS(ipcs_id_shm, value_of(shown.out, "bytes="), "%zu", ds.shm_segsz);
        READS(ipcs_id_shm, value_of(shown.out, "lpid="), "%d", ds.shm_lpid);
        READS(ipcs_id_shm, value_of(shown.out, "cpid="), "%d", ds.shm_cpid);
        READS(ipcs_id_shm, value_of(shown.out, "nattch="), "%lu", (unsigned long)ds.shm_nattch);
        READS(ipcs_id_shm, value_of(shown.out, "att_time="), "%s", calendar(ds.shm_atime));
        READS(ipcs_id_shm, value_of(shown.out, "det_time="), "%s", calendar(ds.shm_dtime));
        READS(ipcs_id_shm, value_of(shown.out, "change_time="), "%s", calendar(ds.shm_ctime));
}

TEST(segment_is_shown_in_detail, VERIFIES(ipcs_id_shm))
{
        struct child user;

        need_util_linux("ipcs");
        private_proc();
        burn_segment_ids(70);
        (void)new_segment(1, 0600);
        const int segment = new_segment(54321, 0604);
        expect_segment(segment);
        CHILD(&user)
                (void)attach(segment, 0);
        join(&user);
        (void)attach(segment, 0);
        (void)attach(segment, 0);
        expect_segment(segment);
        MUST(shmctl(segment, IPC_RMID, NULL));
        REQUIRE(stat_of_segment(segment).shm_perm.mode & SHM_DEST);
        expect_segment(segment);
}

static void expect_queue(int queue)
{
        const struct msqid_ds ds = stat_of_queue(queue);
        const struct ran shown = details(QUEUE, queue);

        EQ(ipcs_id_msg, shown.status, 0);
        READS(ipcs_id_msg, value_of(shown.out, "msqid="), "%d", queue);
        READS(ipcs_id_msg, value_of(shown.out, "uid="), "%u", ds.msg_perm.uid);
        READS(ipcs_id_msg, value_of(shown.out, "cuid="), "%u", ds.msg_perm.cuid);
        READS(ipcs_id_msg, value_of(shown.out, "mode="), "%#o", ds.msg_perm.mode);
        READS(ipcs_id_msg, value_of(shown.out, "cbytes="), "%zu", queue_cbytes(queue));
        READS(ipcs_id_msg, value_of(shown.out, "qbytes="), "%lu", (unsigned long)ds.msg_qbytes);
        READS(ipcs_id_msg, value_of(shown.out, "qnum="), "%lu", (unsigned long)ds.msg_qnum);
        READS(ipcs_id_msg, value_of(shown.out, "lspid="), "%d", ds.msg_lspid);
        READS(ipcs_id_msg, value_of(shown.out, "lrpid="), "%d", ds.msg_lrpid);
        READS(ipcs_id_msg, value_of(shown.out, "send_time="), "%s", calendar(ds.msg_stime));
        READS(ipcs_id_msg, value_of(shown.out, "rcv_time="), "%s", calendar(ds.msg_rtime));
        READS(ipcs_id_msg, value_of(shown.out, "change_time="), "%s", calendar(ds.msg_ctime));
}

TEST(queue_is_shown_in_detail, VERIFIES(ipcs_id_msg))
{
        struct child receiver;

        need_util_linux("ipcs");
        private_proc();
        burn_queue_ids(70);
        (void)new_queue(0600);
        const int queue = new_queue_for(999, 0604);
        expect_queue(queue);
        post(queue, 1, "gone");
        post(queue, 1, "there");
        expect_queue(queue);
        CHILD(&receiver)
                MUST(take(queue, 0));
        join(&receiver);
        expect_queue(queue);
}

static void expect_set(int set, int nsems)
{
        const struct semid_ds ds = stat_of(set);
        const struct ran shown = details(SET, set);

        EQ(ipcs_id_sem, shown.status, 0);
        READS(ipcs_id_sem, value_of(shown.out, "semid="), "%d", set);
        READS(ipcs_id_sem, value_of(shown.out, "uid="), "%u", ds.sem_perm.uid);
        READS(ipcs_id_sem, value_of(shown.out, "cuid="), "%u", ds.sem_perm.cuid);
        READS(ipcs_id_sem, value_of(shown.out, "access_perms="), "%#o", ds.sem_perm.mode & 0777);
        READS(ipcs_id_sem, value_of(shown.out, "nsems = "), "%d", nsems);
        READS(ipcs_id_sem, value_of(shown.out, "otime = "), "%s", calendar(ds.sem_otime));
        READS(ipcs_id_sem, value_of(shown.out, "ctime = "), "%s", calendar(ds.sem_ctime));
        for (int i = 0; i < nsems; i++) {
                const char *const num = decimal(i);

                READS(ipcs_id_sem, cell(shown.out, "semnum", num, "value"), "%d", VAL(set, i));
                READS(ipcs_id_sem, cell(shown.out, "semnum", num, "ncount"), "%d", NCNT(set, i));
                READS(ipcs_id_sem, cell(shown.out, "semnum", num, "zcount"), "%d", ZCNT(set, i));
                READS(ipcs_id_sem, cell(shown.out, "semnum", num, "pid"), "%d", PID(set, i));
        }
        READS(ipcs_id_sem, cell(shown.out, "semnum", decimal(nsems), "value"), "%s", "");
}

TEST(set_is_shown_with_each_semaphore, VERIFIES(ipcs_id_sem))
{
        struct child user, takers[2], zero;

        need_util_linux("ipcs");
        private_proc();
        burn_sem_ids(70);
        (void)new_sems(1, 0600);
        const int set = new_sems(12, 0604);
        expect_set(set, 12);
        CHILD(&user)
                MUST(SEMOP(set, OP(0, 32767, 0), OP(3, 44, 0)));
        join(&user);
        set_val(set, 5, 66);
        for (int i = 0; i < 2; i++)
                CHILD(&takers[i])
                        (void)SEMOP(set, OP(4, -1, 0));
        CHILD(&zero)
                (void)SEMOP(set, OP(5, 0, 0));
        UNTIL(NCNT(set, 4) == 2 && ZCNT(set, 5) == 1);
        expect_set(set, 12);
        kill_child(&takers[0]);
        kill_child(&takers[1]);
        kill_child(&zero);
}

TEST(all_four_ids_are_shown, VERIFIES(ipcs_id_gid_shown))
{
        need_util_linux("ipcs");
        need_proc_sysvipc();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const output = details(kind, new_gift(&mechanisms[kind], 0644).id).out;

                READS(ipcs_id_gid_shown, value_of(output, "uid="), "%d", USER_B);
                READS(ipcs_id_gid_shown, value_of(output, "gid="), "%d", GROUP_B);
                READS(ipcs_id_gid_shown, value_of(output, "cuid="), "%d", USER_A);
                READS(ipcs_id_gid_shown, value_of(output, "cgid="), "%d", GROUP_A);
        }
}

/* ---- no such object ---- */

static void expect_nothing(enum ipck_requirement req, const struct ran shown)
{
        BETWEEN(req, 0, shown.status, 125);
        READS(req, shown.out, "%s", "");
        HOLDS(req, *shown.err);
}

TEST(unused_id_is_reported, VERIFIES(ipcs_id_bad))
{
        need_util_linux("ipcs");
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int kind = (int)(f - facilities);

                burn_ids(m, 70);
                const int removed = new_object(m, 0600), id = new_object(m, 0600);
                HOLDS(ipcs_id_bad, *details(kind, removed).out);
                MUST(m->remove(removed));
                expect_nothing(ipcs_id_bad, details(kind, removed));
                expect_nothing(ipcs_id_bad, details(kind, id + 1));
                expect_nothing(ipcs_id_bad, details(kind, id ^ 0x8000));
                expect_nothing(ipcs_id_bad, details(kind, INT_MAX));
                HOLDS(ipcs_id_bad, *details(kind, id).out);
        }
}

TEST(id_of_another_kind_is_reported, VERIFIES(ipcs_id_bad))
{
        need_util_linux("ipcs");
        empty_namespace();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int id = new_object(m, 0600);

                for (int kind = QUEUE; kind <= SEGMENT; kind++)
                        if (m != &mechanisms[kind])
                                expect_nothing(ipcs_id_bad, details(kind, id));
                MUST(m->remove(id));
        }
}

TEST(negative_id_of_a_queue_or_segment_is_reported, VERIFIES(ipcs_id_negative))
{
        need_util_linux("ipcs");
        (void)new_queue(0600);
        (void)new_segment(1, 0600);
        expect_nothing(ipcs_id_negative, details(QUEUE, -1));
        expect_nothing(ipcs_id_negative, details(QUEUE, INT_MIN));
        expect_nothing(ipcs_id_negative, details(SEGMENT, -1));
        expect_nothing(ipcs_id_negative, details(SEGMENT, INT_MIN));
}

TEST(negative_id_of_a_set_is_reported, VERIFIES(ipcs_id_negative))
{
        need_util_linux("ipcs");
        (void)new_sems(1, 0600);
        expect_nothing(ipcs_id_negative, details(SET, -1));
        expect_nothing(ipcs_id_negative, details(SET, INT_MIN));
}

TEST(text_that_is_no_id_is_refused, VERIFIES(ipcs_id_malformed))
{
        static const struct {
                const char *name;
        } rows[] = {{""}, {"x"}, {"0x"}, {"1x"}, {"4294967296"}, {"2147483648"}, {"-2147483649"}, {"1.5"}};

        need_util_linux("ipcs");
        EACH_ROW(f, facilities) {
                (void)new_object(&mechanisms[f - facilities], 0600);
                EACH_ROW(row, rows) {
                        const struct ran shown = RUN("ipcs", f->option, "-i", row->name);

                        expect_nothing(ipcs_id_malformed, shown);
                        HOLDS(ipcs_id_malformed, shown.status > 0);
                }
        }
}

TEST(id_needs_one_resource, VERIFIES(ipcs_id_needs_one_resource))
{
        static const struct {
                const char *name;
        } rows[] = {{"-c"}, {"-qm"}, {"-qs"}, {"-ms"}, {"-qms"}, {"-a"}};

        need_util_linux("ipcs");
        const int queue = new_queue(0600);
        (void)new_sems(1, 0600);
        (void)new_segment(1, 0600);
        EACH_ROW(row, rows) {
                const struct ran shown = RUN("ipcs", row->name, "-i", decimal(queue));

                expect_nothing(ipcs_id_needs_one_resource, shown);
                HOLDS(ipcs_id_needs_one_resource, shown.status > 0);
        }
        EQ(ipcs_id_needs_one_resource, details(QUEUE, queue).status, 0);
}

/* ---- no permission ---- */

TEST(unreadable_queue_is_not_shown_with_other_values, VERIFIES(ipcs_id_unreadable))
{
        const int queue = new_queue_of(USER_A, 0600), qbytes = msg_limits().msgmnb;
        struct child owner, stranger;

        need_util_linux("ipcs");
        need_proc_sysvipc();
        CHILD(&owner) {
                as_user(USER_A);
                READS(ipcs_id_unreadable, value_of(details(QUEUE, queue).out, "qbytes="), "%d", qbytes);
        }
        join(&owner);
        CHILD(&stranger) {
                as_user(USER_B);
                const char *const shown = value_of(details(QUEUE, queue).out, "qbytes=");
                if (*shown)
                        READS(ipcs_id_unreadable, shown, "%d", qbytes);
        }
        join(&stranger);
}

TEST(unreadable_set_is_not_shown_with_values, VERIFIES(ipcs_id_unreadable))
{
        static const unsigned short values[3] = {1, 2, 3};
        const int set = new_sems_of(USER_A, 3, 0600, values);
        struct child owner, stranger;

        need_util_linux("ipcs");
        CHILD(&owner) {
                as_user(USER_A);
                READS(ipcs_id_unreadable, cell(details(SET, set).out, "semnum", "2", "value"), "3");
        }
        join(&owner);
        CHILD(&stranger) {
                as_user(USER_B);
                const struct ran shown = details(SET, set);
                HOLDS(ipcs_id_unreadable, *shown.err);
                READS(ipcs_id_unreadable, cell(shown.out, "semnum", "2", "value"), "%s", "");
        }
        join(&stranger);
}

TEST(unreadable_segment_is_shown_with_its_values, VERIFIES(ipcs_id_unreadable))
{
        const int segment = new_segment_of(USER_A, 54321, 0600);
        struct child stranger;

        need_util_linux("ipcs");
        const char *const shown = details(SEGMENT, segment).out;
        READS(ipcs_id_unreadable, value_of(shown, "bytes="), "54321");
        CHILD(&stranger) {
                as_user(USER_B);
                const char *const bytes = value_of(details(SEGMENT, segment).out, "bytes=");
                if (*bytes)
                        READS(ipcs_id_unreadable, bytes, "54321");
                else
                        HOLDS(ipcs_id_unreadable, *details(SEGMENT, segment).err);
        }
        join(&stranger);
}
