/* SPDX-License-Identifier: MIT
 *
 * sem_init(): who can use the new semaphore: threads, processes that have it at other addresses, and other programs.
 */
#include <stdio.h>
#include <sys/shm.h>

#include "ipck_posix_sem.h"

/* One goes to and fro: each turn waits for the other's post. */
struct table {
        sem_t ping, pong;
        _Atomic int turns;
};

enum { TURNS = 10 };

static void lay(struct table *table, int pshared)
{
        MUST(sem_init(&table->ping, pshared, 0));
        MUST(sem_init(&table->pong, pshared, 0));
        table->turns = 0;
}

/* 0 or the errno value. */
static int answer(void *arg)
{
        struct table *table = arg;

        for (int i = 0; i < TURNS; i++) {
                if (sem_wait(&table->ping) == -1)
                        return errno;
                table->turns++;
                if (sem_post(&table->pong) == -1)
                        return errno;
        }
        return 0;
}

/* The other side, which gives the verdicts. Its partner waits at first. */
static void play(enum ipck_requirement req, struct table *table)
{
        for (int i = 0; i < TURNS; i++) {
                EQ(req, table->turns, i);
                EQ(req, sem_post(&table->ping), 0);
                EVENTUALLY(req, table->turns == i + 1);
                EVENTUALLY(req, sem_units(&table->pong) == 1);
                EQ(req, sem_wait(&table->pong), 0);
        }
        EQ(req, sem_value(&table->ping), 0);
        EQ(req, sem_value(&table->pong), 0);
}

/* ---- threads ---- */

TEST(threads_use_a_private_semaphore, VERIFIES(sem_init_pshared0_threads))
{
        static struct table in_data;
        struct table on_stack;
        struct table *const on_heap = malloc(sizeof(*on_heap));
        const struct {
                const char *name;
                struct table *table;
        } rows[] = {{"static", &in_data}, {"on a stack", &on_stack}, {"from malloc()", on_heap},
                    {"in a shared mapping", shared(sizeof(struct table))}};

        REQUIRE(on_heap);
        EACH_ROW(row, rows) {
                struct thread partner = {0};

                lay(row->table, 0);
                start(&partner, answer, row->table);
                UNTIL(waits(&partner));
                play(sem_init_pshared0_threads, row->table);
                finish(&partner);
                EQ(sem_init_pshared0_threads, partner.result, 0);
        }
        free(on_heap);
}

/* ---- processes ---- */

/* Memory that can be had a second time, at another address. */
struct source {
        const char *name;
        int fd, segment;
};

static void *have_memory(const struct source *source)
{
        void *memory;

        if (source->fd == -1)
                memory = shmat(source->segment, NULL, 0);
        else
                memory = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED, source->fd, 0);
        REQUIRE(memory != MAP_FAILED);
        return memory;
}

static void play_at_two_addresses(enum ipck_requirement req, const struct source *source)
{
        struct table *const table = have_memory(source);
        struct child partner;

        lay(table, 1);
        CHILD(&partner) {
                struct table *const other = have_memory(source);

                REQUIRE(other != table);
                here(&partner, 1);
                EQ(req, answer(other), 0);
        }
        UNTIL(settled(&partner));
        play(req, table);
        EVENTUALLY(req, returned(&partner));
        join(&partner);
}

static int file_of_table(int fd)
{
        MUST(fd);
        MUST(ftruncate(fd, sizeof(struct table)));
        return fd;
}

TEST(processes_with_it_at_different_addresses, VERIFIES(sem_init_pshared1_processes))
{
        const struct source source = {"", file_of_table(shm_open("/ipck", O_RDWR | O_CREAT | O_EXCL, 0600)), -1};

        play_at_two_addresses(sem_init_pshared1_processes, &source);
}

TEST(memory_of_a_system_v_segment, VERIFIES(sem_init_pshared1_sysv_shm))
{
        const struct source source = {"", -1, shmget(IPC_PRIVATE, sizeof(struct table), 0600)};

        if (source.segment == -1)
                UNSUPPORTED("System V shared memory (%s)", errno_name(errno));
        play_at_two_addresses(sem_init_pshared1_sysv_shm, &source);
}

TEST(memory_of_a_file, VERIFIES(sem_init_pshared1_file_mmap))
{
        FILE *const on_disk = tmpfile();
        const struct source rows[] = {
                {"a file in memory",
                 file_of_table(open("/dev/shm/file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)), -1},
                {"a temporary file", on_disk ? file_of_table(fileno(on_disk)) : -1, -1},
        };

        if (!on_disk)
                UNSUPPORTED("a temporary file (%s)", errno_name(errno));
        EACH_ROW(row, rows)
                play_at_two_addresses(sem_init_pshared1_file_mmap, row);
}

TEST(every_value_of_pshared_but_zero, VERIFIES(sem_init_pshared_any_nonzero))
{
        static const struct {
                const char *name;
                int pshared;
        } rows[] = {{"2", 2},         {"-1", -1},           {"128", 128}, {"256", 256}, {"65536", 65536},
                    {"INT_MAX", INT_MAX}, {"INT_MIN", INT_MIN}, {"0x55aa55aa", 0x55aa55aa}};

        EACH_ROW(row, rows) {
                struct table *const table = shared(sizeof(*table));
                struct child partner;

                EQ(sem_init_pshared_any_nonzero, worked(sem_init(&table->ping, row->pshared, 0)), 0);
                EQ(sem_init_pshared_any_nonzero, worked(sem_init(&table->pong, row->pshared, 0)), 0);
                CHILD(&partner) {
                        here(&partner, 1);
                        EQ(sem_init_pshared_any_nonzero, answer(table), 0);
                }
                UNTIL(settled(&partner));
                play(sem_init_pshared_any_nonzero, table);
                EVENTUALLY(sem_init_pshared_any_nonzero, returned(&partner));
                join(&partner);
        }
}

/* ---- another program ---- */

ROLE(map_and_answer)
{
        const int fd = shm_open(arg, O_RDWR, 0);

        if (fd == -1)
                return 1;
        struct table *const table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        return table == MAP_FAILED || answer(table) != 0;
}

TEST(new_program_that_maps_the_memory, VERIFIES(sem_init_pshared1_exec))
{
        const struct source source = {"", file_of_table(shm_open("/ipck", O_RDWR | O_CREAT | O_EXCL, 0600)), -1};
        struct table *const table = have_memory(&source);
        struct child program;

        lay(table, 1);
        CHILD(&program)
                MUST(exec_role("map_and_answer", "/ipck"));
        play(sem_init_pshared1_exec, table);
        join(&program);
}

/* What a process has taken, its next program does not give back; and it finds what it has posted. */
TEST(value_stays_over_exec, VERIFIES(sem_init_pshared1_exec))
{
        const struct source source = {"", file_of_table(shm_open("/ipck", O_RDWR | O_CREAT | O_EXCL, 0600)), -1};
        struct table *const table = have_memory(&source);
        struct child program;

        lay(table, 1);
        CHILD(&program) {
                for (int i = 0; i < TURNS + 5; i++)
                        MUST(sem_post(&table->ping));
                MUST(sem_wait(&table->ping));
                MUST(exec_role("map_and_answer", "/ipck"));
        }
        join(&program);
        EQ(sem_init_pshared1_exec, table->turns, TURNS);
        EQ(sem_init_pshared1_exec, sem_value(&table->ping), 4);
        EQ(sem_init_pshared1_exec, sem_value(&table->pong), TURNS);
}
