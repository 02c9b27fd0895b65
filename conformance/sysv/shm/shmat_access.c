/* SPDX-License-Identifier: MIT
 *
 * shmat(): which access an attachment has, and which permission it takes to get it.
 */
#include <sys/wait.h>

#include "ipck_shm.h"

/* ---- SHM_RDONLY ---- */

TEST(read_only_attachment_cannot_be_stored_to, VERIFIES(shmat_flag_rdonly))
{
        const size_t page = page_size(), size = 3 * page;
        const int segment = new_segment(size, 0600);
        char *const writable = attach(segment, 0), *const read_only = shmat(segment, NULL, SHM_RDONLY);

        REQUIRE(read_only != SHM_FAILED);
        fill_pattern(writable, size, 1);
        HOLDS(shmat_flag_rdonly, has_pattern(read_only, size, 1));
        for (size_t i = 0; i < size; i += page) {
                EQ(shmat_flag_rdonly, store_signal(writable + i), 0);
                EQ(shmat_flag_rdonly, store_signal(read_only + i), SIGSEGV);
        }
        HOLDS(shmat_flag_rdonly, has_pattern(writable, size, 1));
}

TEST(kernel_does_not_store_to_it_either, VERIFIES(shmat_flag_rdonly))
{
        const int segment = new_segment(page_size(), 0600);
        char *const writable = attach(segment, 0), *const read_only = attach(segment, SHM_RDONLY);
        int ends[2];

        MUST(pipe(ends));
        MUST(write(ends[1], "ab", 2));
        EQ(shmat_flag_rdonly, read(ends[0], writable, 1), 1);
        FAILS_WITH(shmat_flag_rdonly, EFAULT, read(ends[0], read_only, 1));
        EQ(shmat_flag_rdonly, read_only[0], 'a');
}

TEST(mprotect_cannot_make_it_writable, VERIFIES(shmat_flag_rdonly_mprotect))
{
        const size_t page = page_size();
        const int segment = new_segment(2 * page, 0600);
        char *const writable = attach(segment, 0), *const read_only = attach(segment, SHM_RDONLY);

        fill_pattern(writable, 2 * page, 2);
        EQ(shmat_flag_rdonly_mprotect, mprotect(writable, 2 * page, PROT_READ), 0);
        EQ(shmat_flag_rdonly_mprotect, mprotect(writable, 2 * page, PROT_READ | PROT_WRITE), 0);
        EQ(shmat_flag_rdonly_mprotect, mprotect(read_only, 2 * page, PROT_READ), 0);
        FAILS_WITH(shmat_flag_rdonly_mprotect, EACCES, mprotect(read_only, 2 * page, PROT_READ | PROT_WRITE));
        FAILS_WITH(shmat_flag_rdonly_mprotect, EACCES, mprotect(read_only + page, page, PROT_WRITE));
        EQ(shmat_flag_rdonly_mprotect, store_signal(read_only), SIGSEGV);
        EQ(shmat_flag_rdonly_mprotect, store_signal(read_only + page), SIGSEGV);
        HOLDS(shmat_flag_rdonly_mprotect, has_pattern(read_only, 2 * page, 2));
}

/* ---- permission ---- */

static int attach_and_detach(int segment, int shmflg)
{
        void *const address = shmat(segment, NULL, shmflg);

        return address == SHM_FAILED ? -1 : shmdt(address);
}

static void expect(enum ipck_requirement req, int segment, int shmflg, bool granted)
{
        if (granted)
                EQ(req, attach_and_detach(segment, shmflg), 0);
        else
                FAILS_WITH(req, EACCES, attach_and_detach(segment, shmflg));
}

/* All that the three bits of a class can grant, for each kind of attachment: segment[b] is one that grants b to this
 * process. */
static void expect_what_bits_grant(const int segment[8])
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                int flags, needs;
        } kinds[] = {
                {"read only", shmat_flag_rdonly_perm, SHM_RDONLY, 04},
                {"read and write", shmat_flag_rw_perm, 0, 06},
                {"read and execute", shmat_flag_exec, SHM_RDONLY | SHM_EXEC, 05},
                {"read, write and execute", shmat_flag_exec, SHM_EXEC, 07},
        };

        EACH_ROW(kind, kinds) {
                for (int bits = 0; bits < 8; bits++) {
                        const bool granted = (bits & kind->needs) == kind->needs;

                        expect(kind->req, segment[bits], kind->flags, granted);
                        expect(shmat_eacces, segment[bits], kind->flags, granted);
                        if ((bits & 06) == 02)
                                expect(shmat_flag_write_only_denied, segment[bits], kind->flags, false);
                }
        }
}

TEST(user_bits_decide_for_the_owner,
     VERIFIES(shmat_flag_rdonly_perm, shmat_flag_rw_perm, shmat_flag_exec, shmat_flag_write_only_denied, shmat_eacces))
{
        int segment[8];

        /* Those of the other classes say the opposite. */
        for (int bits = 0; bits < 8; bits++)
                segment[bits] = new_segment(page_size(), bits << 6 | (7 - bits) * 011);
        drop_all_capabilities();
        expect_what_bits_grant(segment);
}

TEST(other_bits_decide_for_a_stranger,
     VERIFIES(shmat_flag_rdonly_perm, shmat_flag_rw_perm, shmat_flag_exec, shmat_flag_write_only_denied, shmat_eacces))
{
        struct child stranger;
        int segment[8];

        for (int bits = 0; bits < 8; bits++)
                segment[bits] = new_segment_of(USER_A, page_size(), (7 - bits) * 0110 | bits);
        CHILD(&stranger) {
                as_user(USER_B);
                expect_what_bits_grant(segment);
        }
        join(&stranger);
}

/* ---- SHM_EXEC ---- */

TEST(mapping_is_executable_with_shm_exec_only, VERIFIES(shmat_flag_exec))
{
        static const struct {
                const char *name;
                int flags;
                char permissions[5];
        } rows[] = {
                {"read and write", 0, "rw-s"},
                {"read only", SHM_RDONLY, "r--s"},
                {"read, write and execute", SHM_EXEC, "rwxs"},
                {"read and execute", SHM_RDONLY | SHM_EXEC, "r-xs"},
        };
        const int segment = new_segment(page_size(), 0700);

        EACH_ROW(row, rows) {
                char *const place = attach(segment, row->flags);
                struct mapping mapping;

                if (HOLDS(shmat_flag_exec, mapping_at(place, &mapping)))
                        HOLDS(shmat_flag_exec, strcmp(mapping.permissions, row->permissions) == 0);
                detach(place);
        }
}

TEST(code_in_the_segment_runs, VERIFIES(shmat_flag_exec))
{
        const int segment = new_segment(page_size(), 0700);
        int *const result = shared(sizeof(*result));
        struct child runner;

#if defined(__i386__) || defined(__x86_64__)
        static const unsigned char return_42[] = {0xb8, 42, 0, 0, 0, 0xc3};     /* mov $42,%eax; ret */
        memcpy(attach(segment, 0), return_42, sizeof(return_42));
#else
        UNSUPPORTED("a machine whose code the test knows (x86)");
#endif
        CHILD(&runner) {
                void *const code = attach(segment, SHM_RDONLY | SHM_EXEC);
                *result = ((int (*)(void))code)();
        }
        HOLDS(shmat_flag_exec, WIFEXITED(reap(&runner)));
        EQ(shmat_flag_exec, *result, 42);
}
