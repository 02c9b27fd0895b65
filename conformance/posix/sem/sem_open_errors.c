/* SPDX-License-Identifier: MIT
 *
 * sem_open(): permission, and the limits of a process and of the system.
 */
#include "ipck_filter.h"
#include "ipck_named_sem.h"

/* ---- permission ---- */

static void opens_if(bool permitted, enum ipck_requirement req, const char *name)
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"no flags", 0}, {"O_CREAT", O_CREAT}};

        EACH_ROW(row, rows) {
                if (permitted) {
                        sem_t *const sem = SEM_OPENS(req, sem_open(name, row->flags, 0600, 1));

                        if (sem == SEM_FAILED)
                                return;
                        EQ(req, sem_trywait(sem), 0);
                        EQ(req, sem_post(sem), 0);
                        MUST(sem_close(sem));
                } else {
                        OPEN_FAILS_WITH(req, EACCES, sem_open(name, row->flags, 0600, 1));
                }
        }
}

static const struct bits {
        const char *name;
        int bits;
        bool both;
} all_bits[] = {
        {"no bit", 0, false}, {"execute", 1, false}, {"write", 2, false}, {"write, execute", 3, false},
        {"read", 4, false}, {"read, execute", 5, false}, {"read, write", 6, true}, {"all bits", 7, true},
};

TEST(owner_needs_read_and_write_permission, VERIFIES(sem_open_eacces_perm))
{
        struct child owner;

        MUST(sem_close(named_sem(SEM_NAME, 1)));
        EACH_ROW(row, all_bits) {
                set_sem_mode(SEM_NAME, row->bits << 6 | 0077);
                CHILD(&owner) {
                        drop_all_capabilities();
                        opens_if(row->both, sem_open_eacces_perm, SEM_NAME);
                }
                join(&owner);
        }
        EQ(sem_open_eacces_perm, names_left(), 1);
}

TEST(class_of_the_caller_decides, VERIFIES(sem_open_eacces_perm))
{
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid, group;
                int shift;
        } callers[] = {
                {"owner", USER_A, GROUP_C, GROUP_C, 6}, {"owner in the group", USER_A, GROUP_A, GROUP_C, 6},
                {"group", USER_B, GROUP_A, GROUP_C, 3}, {"supplementary group", USER_B, GROUP_C, GROUP_A, 3},
                {"other", USER_B, GROUP_B, GROUP_C, 0},
        };
        struct child caller;

        sem_of(USER_A, SEM_NAME, 1, 0600);
        MUST(chown(sem_file_of(SEM_NAME), USER_A, GROUP_A));
        EACH_ROW(who, callers) {
                EACH_ROW(row, all_bits) {
                        /* Where the class has all bits the others have none, and the reverse. */
                        const int others = row->both ? 0 : 0777 & ~(7 << who->shift);

                        set_sem_mode(SEM_NAME, others | row->bits << who->shift);
                        CHILD(&caller) {
                                become(who->uid, who->gid, &who->group, 1);
                                opens_if(row->both, sem_open_eacces_perm, SEM_NAME);
                        }
                        join(&caller);
                }
        }
}

TEST(permission_is_asked_for_at_every_opening, VERIFIES(sem_open_eacces_perm))
{
        struct child caller;

        CHILD(&caller) {
                sem_t *const sem = named_sem(SEM_NAME, 1);

                drop_all_capabilities();
                set_sem_mode(SEM_NAME, 0400);
                /* What is open stays open. */
                EQ(sem_open_eacces_perm, sem_trywait(sem), 0);
                EQ(sem_open_eacces_perm, sem_post(sem), 0);
                MUST(sem_close(sem));
                OPEN_FAILS_WITH(sem_open_eacces_perm, EACCES, sem_open(SEM_NAME, 0));
                set_sem_mode(SEM_NAME, 0600);
                opens_if(true, sem_open_eacces_perm, SEM_NAME);
        }
        join(&caller);
}

TEST(directory_without_permission_allows_no_creation, VERIFIES(sem_open_eacces_create))
{
        static const struct {
                const char *name;
                unsigned mode;
        } modes[] = {{"no write permission", 0577}, {"no search permission", 0677}, {"read only", 0477},
                     {"none", 0077}};
        static const struct {
                const char *name;
                int flags;
        } flags[] = {{"O_CREAT", O_CREAT}, {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};
        struct child caller;

        EACH_ROW(mode, modes) {
                EACH_ROW(flag, flags) {
                        CHILD(&caller) {
                                MUST(chmod(DEV_SHM, mode->mode));
                                drop_all_capabilities();
                                OPEN_FAILS_WITH(sem_open_eacces_create, EACCES,
                                                sem_open(SEM_NAME, flag->flags, 0600, 1));
                                MUST(chmod(DEV_SHM, 0777));
                                EQ(sem_open_eacces_create, names_left(), 0);
                                sem_t *const sem = SEM_OPENS(sem_open_eacces_create,
                                                             sem_open(SEM_NAME, flag->flags, 0600, 1));
                                if (sem != SEM_FAILED)
                                        MUST(sem_unlink(SEM_NAME));
                        }
                        join(&caller);
                }
        }
}

TEST(user_without_a_right_to_the_directory_creates_nothing, VERIFIES(sem_open_eacces_create))
{
        struct child caller;

        MUST(chmod(DEV_SHM, 0775));
        MUST(sem_close(named_sem("/old", 1)));
        set_sem_mode("/old", 0666);
        CHILD(&caller) {
                as_user(USER_A);
                OPEN_FAILS_WITH(sem_open_eacces_create, EACCES, sem_open(SEM_NAME, O_CREAT, 0600, 1));
                OPEN_FAILS_WITH(sem_open_eacces_create, EACCES, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1));
                /* What exists needs no creation. */
                opens_if(true, sem_open_eacces_create, "/old");
        }
        join(&caller);
        EQ(sem_open_eacces_create, names_left(), 1);
}

/* ---- descriptors ---- */

static const struct way {
        const char *name, *sem;
        int flags;
} ways[] = {
        {"an existing semaphore", "/old", 0}, {"an existing semaphore, O_CREAT", "/old", O_CREAT},
        {"a new one, O_CREAT", "/new", O_CREAT}, {"a new one, O_CREAT | O_EXCL", "/new", O_CREAT | O_EXCL},
};

/* After the failure: the failed call has left nothing, and the same call works. */
static void works_now(const struct way *way)
{
        const int descriptors = open_descriptors();

        EQ(sem_open_fail_creates_nothing, names_left(), 1);
        sem_unlink("/new");
        EQ(sem_open_no_fd_leak, sem_mappings(), 0);
        sem_t *const sem = SEM_OPENS(sem_open_fail_next_call, sem_open(way->sem, way->flags, 0600, 2));
        if (sem == SEM_FAILED)
                return;
        EQ(sem_open_fail_next_call, sem_value(sem), 2);
        EQ(sem_open_no_fd_leak, open_descriptors(), descriptors);
        MUST(sem_close(sem));
        if (strcmp(way->sem, "/new") == 0)
                MUST(sem_unlink(way->sem));
}

TEST(no_descriptor_left_for_the_process,
     VERIFIES(sem_open_emfile, sem_open_fail_creates_nothing, sem_open_fail_next_call, sem_open_no_fd_leak))
{
        MUST(sem_close(named_sem("/old", 2)));
        EACH_ROW(way, ways) {
                /* Descriptors are taken from the lowest on, so that below this limit all are in use. */
                const rlim_t before = set_rlimit(RLIMIT_NOFILE, (rlim_t)next_descriptor());

                OPEN_FAILS_WITH(sem_open_emfile, EMFILE, sem_open(way->sem, way->flags, 0600, 2));
                set_rlimit(RLIMIT_NOFILE, before);
                works_now(way);
        }
}

TEST(standard_descriptors_can_be_closed, VERIFIES(sem_open_ret_address, sem_open_no_fd_leak))
{
        struct child opener;

        EACH_ROW(way, ways) {
                for (int closed = 1; closed <= 3; closed++) {
                        MUST(sem_close(sem_open("/old", O_CREAT, 0600, 2)));
                        CHILD(&opener) {
                                for (int fd = 0; fd < closed; fd++)
                                        close(fd);
                                sem_t *const sem = SEM_OPENS(sem_open_ret_address,
                                                         sem_open(way->sem, way->flags, 0600, 2));
                                if (sem != SEM_FAILED)
                                        EQ(sem_open_ret_address, sem_value(sem), 2);
                                for (int fd = 0; fd < closed; fd++)
                                        FAILS_WITH(sem_open_no_fd_leak, EBADF, fcntl(fd, F_GETFD));
                        }
                        join(&opener);
                        sem_unlink("/new");
                }
        }
}

/* ---- many semaphores ---- */

static int wait_on(void *sem)
{
        return sem_wait(sem);
}

static int close_one(void *sem)
{
        return sem_close(sem);
}

/* A library may do without its locks while there is one thread: here are two. */
static void second_thread(struct thread *sleeper)
{
        start(sleeper, wait_on, fresh_sem(THREADS_SEM, 0));
        UNTIL(waits(sleeper));
}

/* At least 256 (_POSIX_SEM_NSEMS_MAX); beyond what the implementation names it may say that there are too many. */
TEST(as_many_semaphores_as_promised_are_open_at_once,
     VERIFIES(sem_open_emfile, semaphore_h_nsems_max, sem_close_releases))
{
        enum { LEAST = _POSIX_SEM_NSEMS_MAX, MORE = LEAST + 64 };
        const long most = sysconf(_SC_SEM_NSEMS_MAX);
        struct thread sleeper = {0}, closer = {0};
        sem_t *sem[MORE];
        int open;

        second_thread(&sleeper);
        for (open = 0; open < MORE; open++) {
                sem[open] = sem_open(numbered(open).name, O_CREAT | O_EXCL, 0600, (unsigned)open);
                if (sem[open] == SEM_FAILED)
                        break;
        }
        const int error = errno;
        HOLDS(semaphore_h_nsems_max, open >= LEAST && (most == -1 || open >= most || open == MORE));
        if (open < MORE)
                EQ(sem_open_emfile, error, EMFILE);
        OBSERVE(sem_open_emfile, "%d semaphores open at once: %s", open, open < MORE ? "no more" : "and more");
        EQ(sem_open_emfile, names_left(), open);
        for (int i = 0; i < open; i++)
                EQ(sem_open_emfile, sem_value(sem[i]), i);
        /* Closing one makes room for one. */
        start(&closer, close_one, sem[7]);
        EVENTUALLY(sem_open_emfile, closer.back);
        EQ(sem_open_emfile, closer.result, 0);
        finish(&closer);
        for (int i = 0; i < open; i++) {
                if (i == 7)
                        continue;
                HOLDS(semaphore_h_nsems_max, sem_open(numbered(i).name, 0) == sem[i]);
                EQ(semaphore_h_nsems_max, sem_close(sem[i]), 0);
        }
        sem[7] = SEM_OPENS(sem_open_emfile, sem_open("/last", O_CREAT | O_EXCL, 0600, 7));
        if (sem[7] != SEM_FAILED)
                EQ(sem_open_emfile, sem_value(sem[7]), 7);
        for (int i = 0; i < open && sem[7] != SEM_FAILED; i++)
                EQ(semaphore_h_nsems_max, sem_close(sem[i]), 0);
        EQ(sem_close_releases, sem_mappings(), 0);
}

/* ---- what the kernel says of the whole system, said by a filter in its stead ---- */

TEST(no_file_left_for_the_system,
     VERIFIES(sem_open_enfile, sem_open_fail_creates_nothing, sem_open_fail_next_call, sem_open_no_fd_leak))
{
        struct child caller;

        MUST(sem_close(named_sem("/old", 2)));
        EACH_ROW(way, ways) {
                CHILD(&caller) {
                        fail_opens(ENFILE);
                        OPEN_FAILS_WITH(sem_open_enfile, ENFILE, sem_open(way->sem, way->flags, 0600, 2));
                }
                join(&caller);
                works_now(way);
        }
}

/* ---- memory ---- */

TEST(no_memory_for_the_semaphore,
     VERIFIES(sem_open_enomem, sem_open_fail_creates_nothing, sem_open_fail_next_call, sem_open_no_fd_leak))
{
        struct child caller;

        MUST(sem_close(named_sem("/old", 2)));
        REQUIRE(sem_mappings() == 0);
        EACH_ROW(way, ways) {
                CHILD(&caller) {
                        set_rlimit(RLIMIT_AS, 1);        /* what is mapped now stays */
                        OPEN_FAILS_WITH(sem_open_enomem, ENOMEM, sem_open(way->sem, way->flags, 0600, 2));
                }
                join(&caller);
                works_now(way);
        }
}

/* ---- after a failure ---- */

static int open_and_close(void *name)
{
        sem_t *const sem = sem_open(name, O_CREAT, 0600, 1);

        return sem == SEM_FAILED ? -1 : sem_close(sem);
}

enum lack { OF_NOTHING, OF_MEMORY, OF_DESCRIPTORS };

/* With limits on the way that end with the call. */
static sem_t *open_with_lack(enum lack lack, const char *name, int flags, unsigned value)
{
        struct rlimit files, memory;

        MUST(getrlimit(RLIMIT_NOFILE, &files));
        MUST(getrlimit(RLIMIT_AS, &memory));
        if (lack == OF_DESCRIPTORS)
                set_rlimit(RLIMIT_NOFILE, (rlim_t)next_descriptor());
        if (lack == OF_MEMORY)
                set_rlimit(RLIMIT_AS, 1);
        sem_t *const sem = sem_open(name, flags, 0600, value);
        MUST(setrlimit(RLIMIT_AS, &memory));
        MUST(setrlimit(RLIMIT_NOFILE, &files));
        return sem;
}

static char another[] = "/another";

static void fail_and_go_on(enum lack lack, const char *name, int flags, unsigned value)
{
        const int descriptors = open_descriptors();
        struct thread other = {0};

        REQUIRE(open_with_lack(lack, name, flags, value) == SEM_FAILED);
        EQ(sem_open_no_fd_leak, open_descriptors(), descriptors);
        start(&other, open_and_close, another);
        EVENTUALLY(sem_open_fail_next_call, other.back);
        EQ(sem_open_fail_next_call, other.result, 0);
        finish(&other);
        EQ(sem_open_fail_next_call, open_and_close(another), 0);
}

TEST(failure_keeps_no_thread_from_its_work, VERIFIES(sem_open_fail_next_call, sem_open_no_fd_leak))
{
        static const struct {
                const char *name, *sem;
                int flags;
                unsigned value;
                enum lack lack;
        } rows[] = {
                {"ENOENT", "/new", 0, 0, OF_NOTHING}, {"EEXIST", "/old", O_CREAT | O_EXCL, 1, OF_NOTHING},
                {"EINVAL, name", "/", O_CREAT, 1, OF_NOTHING},
                {"EINVAL, value", "/new", O_CREAT, SEM_VALUE_MAX + 1U, OF_NOTHING},
                {"ENOMEM", "/old", 0, 0, OF_MEMORY}, {"ENOMEM, new", "/new", O_CREAT, 1, OF_MEMORY},
                {"ENOMEM, O_EXCL", "/new", O_CREAT | O_EXCL, 1, OF_MEMORY},
                {"EMFILE", "/old", 0, 0, OF_DESCRIPTORS}, {"EMFILE, new", "/new", O_CREAT, 1, OF_DESCRIPTORS},
                {"EMFILE, O_EXCL", "/new", O_CREAT | O_EXCL, 1, OF_DESCRIPTORS},
        };
        struct child maker, process;

        CHILD(&maker)
                named_sem("/old", 2);
        join(&maker);
        EACH_ROW(row, rows) {
                /* In a process for which it is the first call of all, and in one with others before. */
                for (int earlier = 0; earlier < 2; earlier++) {
                        CHILD(&process) {
                                struct thread sleeper = {0};

                                second_thread(&sleeper);
                                if (earlier)
                                        REQUIRE(open_and_close(another) == 0);
                                fail_and_go_on(row->lack, row->sem, row->flags, row->value);
                        }
                        join(&process);
                }
        }
}

/* ---- a signal ---- */

/* Opening a file waits while somebody holds a lease on it, and that wait can be interrupted. */
TEST(signal_interrupts_a_call_that_waits, VERIFIES(sem_open_eintr))
{
        struct child opener;

        MUST(sem_close(named_sem(SEM_NAME, 1)));
        signal(SIGIO, SIG_IGN);         /* tells the holder that somebody waits */
        const int fd = (int)MUST(open(sem_file_of(SEM_NAME), O_RDONLY));
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == -1)
                UNSUPPORTED("a lease on the semaphore's file (%s)", errno_name(errno));
        CHILD(&opener) {
                catch_signal(SIGUSR1, 0);
                here(&opener, 1);
                errno = 0;
                sem_t *const sem = sem_open(SEM_NAME, 0);
                const int error = errno;
                if (signals_caught() == 0 || (sem == SEM_FAILED && error == EAGAIN))
                        UNSUPPORTED("a sem_open() that waits");
                HOLDS(sem_open_eintr, sem == SEM_FAILED);
                EQ(sem_open_eintr, error, EINTR);
                MUST(fcntl(fd, F_SETLEASE, F_UNLCK));
                SEM_OPENS(sem_open_eintr, sem_open(SEM_NAME, 0));
        }
        UNTIL(settled(&opener));
        EVENTUALLY(sem_open_eintr, returned(&opener) || kill(opener.pid, SIGUSR1) == -1);
        join(&opener);
}
