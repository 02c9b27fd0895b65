/* SPDX-License-Identifier: MIT
 *
 * lsipc -i: one object in detail, and identifiers that name none.
 */
#include <limits.h>

#include "ipck_listing.h"

static struct ran details(int kind, int id)
{
        return RUN("lsipc", facilities[kind].option, "-i", decimal(id));
}

/* ---- the details ---- */

static void expect_in_common(const char *shown, int id, key_t key)
{
        READS(lsipc_id, value_of(shown, "Key:"), "0x%08x", (unsigned)key);
        READS(lsipc_id, value_of(shown, "ID:"), "%d", id);
        READS(lsipc_id, value_of(shown, "Owner:"), "ipckme");
        READS(lsipc_id, value_of(shown, "Permissions:"), "rw----r--");
        READS(lsipc_id, value_of(shown, "Creator UID:"), "%u", geteuid());
        READS(lsipc_id, value_of(shown, "Creator user:"), "ipckme");
        READS(lsipc_id, value_of(shown, "Creator group:"), "ipckgme");
        READS(lsipc_id, value_of(shown, "User name:"), "ipckme");
        READS(lsipc_id, value_of(shown, "Group name:"), "ipckgme");
}

static void expect_queue(void)
{
        key_t key;
        const int queue = new_keyed(&mechanisms[QUEUE], 0604, &key);

        MUST(put(queue, 1, 33, IPC_NOWAIT));
        MUST(put(queue, 1, 22, IPC_NOWAIT));
        const struct msqid_ds ds = stat_of_queue(queue);
        const char *const shown = details(QUEUE, queue).out;
        expect_in_common(shown, queue, key);
        READS(lsipc_id, value_of(shown, "Last change:"), "%s", calendar(ds.msg_ctime));
        READS(lsipc_id, value_of(shown, "Bytes used:"), "55B");
        READS(lsipc_id, value_of(shown, "Messages:"), "2");
        READS(lsipc_id, value_of(shown, "Msg sent:"), "%s", calendar(ds.msg_stime));
        READS(lsipc_id, value_of(shown, "Msg received:"), "%s", "");
        READS(lsipc_id, value_of(shown, "Msg sender:"), "%d", ds.msg_lspid);
        READS(lsipc_id, value_of(shown, "Msg receiver:"), "0");
}

static void expect_segment(void)
{
        key_t key;
        const int segment = new_keyed(&mechanisms[SEGMENT], 0604, &key);

        (void)attach(segment, 0);
        const struct shmid_ds ds = stat_of_segment(segment);
        const char *const shown = details(SEGMENT, segment).out;
        expect_in_common(shown, segment, key);
        READS(lsipc_id, value_of(shown, "Last change:"), "%s", calendar(ds.shm_ctime));
        READS(lsipc_id, value_of(shown, "Attached processes:"), "1");
        READS(lsipc_id, value_of(shown, "Attach time:"), "%s", calendar(ds.shm_atime));
        READS(lsipc_id, value_of(shown, "Detach time:"), "%s", "");
        READS(lsipc_id, value_of(shown, "Creator PID:"), "%d", getpid());
        READS(lsipc_id, value_of(shown, "Last user PID:"), "%d", ds.shm_lpid);
}

static void expect_set(void)
{
        key_t key;
        const int set = new_keyed(&mechanisms[SET], 0604, &key);

        MUST(SEMOP(set, OP(1, 5, 0)));
        const struct semid_ds ds = stat_of(set);
        const char *const shown = details(SET, set).out;
        expect_in_common(shown, set, key);
        READS(lsipc_id, value_of(shown, "Last change:"), "%s", calendar(ds.sem_ctime));
        READS(lsipc_id, value_of(shown, "Semaphores:"), "2");
        READS(lsipc_id, value_of(shown, "Last operation:"), "%s", calendar(ds.sem_otime));
}

TEST(one_object_is_shown_in_detail, VERIFIES(lsipc_id))
{
        need_util_linux("lsipc");
        private_proc();
        name_users();
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 70);
                (void)new_object(m, 0600);
        }
        expect_queue();
        expect_segment();
        expect_set();
}

TEST(each_semaphore_is_shown, VERIFIES(lsipc_id_elements))
{
        struct child user, taker, zero;

        need_util_linux("lsipc");
        private_proc();
        const int set = new_sems(5, 0600);
        (void)new_sems(3, 0600);
        CHILD(&user)
                MUST(SEMOP(set, OP(1, 44, 0)));
        join(&user);
        CHILD(&taker)
                (void)SEMOP(set, OP(2, -1, 0));
        CHILD(&zero)
                (void)SEMOP(set, OP(1, 0, 0));
        UNTIL(NCNT(set, 2) == 1 && ZCNT(set, 1) == 1);
        const char *const shown = details(SET, set).out;
        for (int i = 0; i < 5; i++) {
                const char *const num = decimal(i);

                READS(lsipc_id_elements, cell(shown, "SEMNUM", num, "VALUE"), "%d", VAL(set, i));
                READS(lsipc_id_elements, cell(shown, "SEMNUM", num, "NCOUNT"), "%d", NCNT(set, i));
                READS(lsipc_id_elements, cell(shown, "SEMNUM", num, "ZCOUNT"), "%d", ZCNT(set, i));
                READS(lsipc_id_elements, cell(shown, "SEMNUM", num, "PID"), "%d", PID(set, i));
        }
        READS(lsipc_id_elements, cell(shown, "SEMNUM", "5", "VALUE"), "%s", "");
        kill_child(&taker);
        kill_child(&zero);
}

static const char *one(const char *resource, const char *id, const char *format)
{
        return RUN("lsipc", resource, "-i", id, format, "-o", "KEY,ID,PERMS,OWNER").out;
}

TEST(other_formats_show_one_object, VERIFIES(lsipc_id_formats))
{
        need_util_linux("lsipc");
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const option = facilities[kind].option;
                key_t key;

                (void)new_object(&mechanisms[kind], 0600);
                const int id = new_keyed(&mechanisms[kind], 0604, &key);
                (void)new_object(&mechanisms[kind], 0600);
                const char *const number = decimal(id);
                const char *const wanted = formatted("KEY=\"0x%08x\" ID=\"%d\" PERMS=\"rw----r--\" OWNER=\"ipckme\"\n",
                                                     (unsigned)key, id);
                READS(lsipc_id_formats, one(option, number, "-e"), "%s", wanted);
                READS(lsipc_id_formats, from_newline(one(option, number, "-n")), "%s", wanted);
                READS(lsipc_id_formats, from_table(one(option, number, "-l")), "%s", wanted);
                READS(lsipc_id_formats, from_table(one(option, number, "-r")), "%s", wanted);
                const char *const lines = from_json(one(option, number, "-J"), facilities[kind].json);
                if (HOLDS(lsipc_id_formats, lines))
                        READS(lsipc_id_formats, lines, "%s", wanted);
        }
}

/* ---- no such object ---- */

static void expect_nothing(enum ipck_requirement req, const struct ran shown)
{
        BETWEEN(req, 0, shown.status, 125);
        HOLDS(req, *shown.err);
        READS(req, value_of(shown.out, "ID:"), "%s", "");
}

TEST(unused_id_is_reported, VERIFIES(lsipc_id_unknown))
{
        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const struct mechanism *const m = &mechanisms[kind];

                burn_ids(m, 70);
                const int removed = new_object(m, 0600), id = new_object(m, 0600);
                READS(lsipc_id_unknown, value_of(details(kind, removed).out, "ID:"), "%d", removed);
                MUST(m->remove(removed));
                expect_nothing(lsipc_id_unknown, details(kind, removed));
                expect_nothing(lsipc_id_unknown, details(kind, id + 1));
                expect_nothing(lsipc_id_unknown, details(kind, id ^ 0x8000));
                expect_nothing(lsipc_id_unknown, details(kind, INT_MAX));
                READS(lsipc_id_unknown, value_of(details(kind, id).out, "ID:"), "%d", id);
        }
}

TEST(negative_id_is_reported, VERIFIES(lsipc_id_negative))
{
        static const struct {
                const char *name;
                int id;
        } rows[] = {{"minus one", -1}, {"minus two", -2}, {"the lowest", INT_MIN}};

        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const int id = new_object(&mechanisms[kind], 0600);

                EACH_ROW(row, rows) {
                        const struct ran shown = RUN("lsipc", facilities[kind].option, "-l", "-i",
                                                     decimal(row->id));

                        expect_nothing(lsipc_id_negative, shown);
                        EQ(lsipc_id_negative, lines_with(shown.out, decimal(id)), 0);
                }
        }
}

TEST(text_that_is_no_id_is_refused, VERIFIES(lsipc_id_malformed))
{
        static const struct {
                const char *name;
        } rows[] = {{""}, {"x"}, {"0x"}, {"1x"}, {"4294967296"}, {"2147483648"}, {"-2147483649"}, {"1.5"}};

        need_util_linux("lsipc");
        EACH_ROW(f, facilities) {
                (void)new_object(&mechanisms[f - facilities], 0600);
                EACH_ROW(row, rows) {
                        const struct ran shown = RUN("lsipc", f->option, "-i", row->name);

                        EQ(lsipc_id_malformed, shown.status, 1);
                        HOLDS(lsipc_id_malformed, *shown.err);
                        READS(lsipc_id_malformed, shown.out, "%s", "");
                }
        }
}

TEST(id_needs_a_resource, VERIFIES(lsipc_id_needs_resource))
{
        need_util_linux("lsipc");
        const int set = new_sems(1, 0600);
        const struct ran shown = RUN("lsipc", "-i", decimal(set));
        EQ(lsipc_id_needs_resource, details(SET, set).status, 0);
        EQ(lsipc_id_needs_resource, shown.status, 1);
        HOLDS(lsipc_id_needs_resource, *shown.err);
        READS(lsipc_id_needs_resource, shown.out, "%s", "");
}
