/* SPDX-License-Identifier: MIT
 *
 * limits.c: all take until there is no more, give everything back, and take again. The limit is reached exactly, the
 * call beyond it fails as its page says, and all is there again when it has been given back.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "storm.h"

enum { MOST_TAKERS = 32, MOST_TAKEN = 300, TURNS = 3, PAGE_LIMIT = 64, LONGEST = 64 };

static struct books {
        const struct limit *limit;
        long most;                              /* units that there are */
        int crew, queue;
        uid_t user;                             /* that the workers are; 0: as they are */
        _Atomic int met;
        _Atomic long taken;                     /* units */
} *books;

/* What a worker has taken. */
static struct {
        int id;
        long units;
} mine[MOST_TAKEN];
static int mine_count;

struct limit {
        const char *name;
        int error;                              /* of the call beyond it */
        enum ipck_requirement exact, freed;
        void (*set)(void);
        int (*take)(long units);                /* what is taken, or -1 with errno */
        int (*release)(int id);
        uint32_t largest;                       /* units that a call takes at most */
};

/* ---- what is limited ---- */

static void set_number(const char *sysctl, long value)
{
        char text[32];

        snprintf(text, sizeof(text), "%ld", value);
        set_sysctl(sysctl, text);
        books->most = value;
}

static void limit_queues(void)
{
        set_number("kernel/msgmni", 5 + pick(50));
}

static void limit_segments(void)
{
        set_sysctl("kernel/shmall", "1000000");
        set_number("kernel/shmmni", 5 + pick(50));
}

static void limit_pages(void)
{
        set_sysctl("kernel/shmmni", "4096");
        set_number("kernel/shmall", 20 + pick(200));
}

/* kernel.sem has all four. */
static void set_sem(const char *format, long value)
{
        char text[64];

        snprintf(text, sizeof(text), format, value);
        set_sysctl("kernel/sem", text);
        books->most = value;
}

static void limit_sets(void)
{
        set_sem("250 32000 32 %ld", 5 + pick(50));
}

static void limit_semaphores(void)
{
        set_sem("250 %ld 32 1000", 20 + pick(200));
}

/* What messages are counted by: a message without bytes has room while there are fewer messages than bytes. */
static void limit_bytes(void)
{
        struct msqid_ds ds;

        MUST(msgctl(books->queue, IPC_STAT, &ds));
        ds.msg_qbytes = 100 + pick(1000);
        MUST(msgctl(books->queue, IPC_SET, &ds));
        books->most = (long)ds.msg_qbytes;
}

static int take_user(long units);

/* The bytes of a queue are the kernel's affair: as many queues as a process alone gets are the limit for all together.
 * A user whom nobody else uses: what all of its processes have is counted. */
static void limit_user(void)
{
        struct child alone;

        books->user = 21000 + (uid_t)pick(1000);
        set_rlimit(RLIMIT_MSGQUEUE, 2000 + pick(20000));
        CHILD(&alone) {
                as_user(books->user);
                while (take_user(1) != -1)
                        books->most++;
        }
        join(&alone);
}

/* A file system of its own, in the place of that of the round before. */
static void limit_file_system(void)
{
        char options[64];
        const long pages = 20 + pick(200);

        snprintf(options, sizeof(options), "mode=1777,size=%zu", (size_t)pages * page_size());
        MUST(chdir("/"));
        MUST(umount2("/dev/shm", MNT_DETACH));
        MUST(mount("ipck", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options));
        books->most = pages;
}

static int take_queue(long units)
{
        (void)units;
        return msgget(IPC_PRIVATE, 0600);
}

static int release_queue(int id)
{
        return msgctl(id, IPC_RMID, NULL);
}

static int take_set(long units)
{
        return semget(IPC_PRIVATE, (int)units, 0600);
}

static int release_set(int id)
{
        return semctl(id, 0, IPC_RMID);
}

static int take_segment(long units)
{
        return shmget(IPC_PRIVATE, (size_t)(units - 1) * page_size() + 1, 0600);
}

static int release_segment(int id)
{
        return shmctl(id, IPC_RMID, NULL);
}

static int take_bytes(long units)
{
        struct {
                long type;
                char text[LONGEST];
        } message = {.type = units};

        return msgsnd(books->queue, &message, (size_t)units, IPC_NOWAIT);
}

/* Any message of that size: they have their size as their type. */
static int release_bytes(int id)
{
        char message[sizeof(long) + LONGEST];

        return msgrcv(books->queue, message, LONGEST, mine[id].units, IPC_NOWAIT) == mine[id].units ? 0 : -1;
}

static int take_user(long units)
{
        struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 10};
        char name[64];
        static int number;

        (void)units;
        snprintf(name, sizeof(name), "/ipck-%d-%d", (int)getpid(), ++number);
        const mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
        if (queue == (mqd_t)-1)
                return -1;
        mq_unlink(name);
        return (int)queue;
}

static int take_page(long units)
{
        char name[64];
        static int number;

        (void)units;
        snprintf(name, sizeof(name), "/ipck-%d-%d", (int)getpid(), ++number);
        const int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
        if (fd == -1)
                return -1;
        const bool has = pwrite(fd, "x", 1, 0) == 1;
        const int error = errno;
        shm_unlink(name);
        if (has)
                return fd;
        close(fd);
        errno = error;
        return -1;
}

static const struct limit limits[] = {
        {"msg_qbytes", EAGAIN, msgsnd_eagain_qbytes, msgrcv_upd_cbytes, limit_bytes, take_bytes, release_bytes,
         LONGEST},
        {"RLIMIT_MSGQUEUE", EMFILE, mq_open_emfile_rlimit, mqfs_rlimit_sum, limit_user, take_user, close, 1},
        {"the size of the file system", ENOSPC, shm_open_enospc, shm_open_enospc, limit_file_system, take_page, close,
         1},
        {"msgmni", ENOSPC, msgget_enospc_msgmni, msgget_enospc_frees_on_rmid, limit_queues, take_queue,
         release_queue, 1},
        {"SEMMNI", ENOSPC, semget_enospc_semmni, semctl_rmid_removes, limit_sets, take_set, release_set, 1},
        {"SEMMNS", ENOSPC, semget_enospc_semmns, semget_enospc_semmns_freed, limit_semaphores, take_set,
         release_set, 20},
        {"shmmni", ENOSPC, shmget_enospc_shmmni, shmctl_rmid_memory_released, limit_segments, take_segment,
         release_segment, 1},
        {"shmall", ENOSPC, shmget_enospc_shmall, shmget_enospc_shmall_freed, limit_pages, take_segment,
         release_segment, 20},
};
enum { LIMITS = sizeof(limits) / sizeof(*limits) };

/* ---- a worker ---- */

/* Takes until a call fails; how many units that one asked for. */
static long take_all(void)
{
        const struct limit *const limit = books->limit;

        for (;;) {
                const long units = 1 + (long)pick(limit->largest);
                const int id = limit->take(units);
                count_operations(1);
                if (id == -1) {
                        EXPECT(limit->exact, errno == limit->error, "beyond %s a call fails with %s", limit->name,
                               errno_name(errno));
                        return units;
                }
                mine[mine_count].id = limit->take == take_bytes ? mine_count : id;
                mine[mine_count++].units = units;
                const long taken = atomic_fetch_add(&books->taken, units) + units;
                EXPECT(limit->exact, taken <= books->most, "%ld units are taken, and %s is %ld", taken, limit->name,
                       books->most);
                if (mine_count == MOST_TAKEN)
                        return -1;
        }
}

static void release_all(void)
{
        while (mine_count > 0) {
                mine_count--;
                books->taken -= mine[mine_count].units;
                EXPECT(books->limit->freed, books->limit->release(mine[mine_count].id) == 0,
                       "what was taken below %s cannot be given back: %s", books->limit->name, errno_name(errno));
                count_operations(1);
        }
}

static void worker(int me)
{
        (void)me;
        if (books->user)
                as_user(books->user);
        doing("calls that do not wait");
        for (int turn = 0; turn < TURNS; turn++) {
                const long refused = take_all();
                meet(&books->met, books->crew, 3 * turn + 1);
                EXPECT(turn ? books->limit->freed : books->limit->exact,
                       refused == -1 || books->taken + refused > books->most,
                       "%ld more are refused although %ld of %ld that %s allows are taken", refused, books->taken,
                       books->most, books->limit->name);
                meet(&books->met, books->crew, 3 * turn + 2);
                release_all();
                meet(&books->met, books->crew, 3 * turn + 3);
        }
}

/* Of the table: all, or what needs no privilege. */
static uint32_t usable_limits(void)
{
        char text[64];

        if (getuid() == 0 && read_file("/proc/sys/kernel/msgmni", text, sizeof(text)) > 0 &&
            write_sysctl("kernel/msgmni", text) == 0)
                return LIMITS;
        return 1;
}

STORM(limits, "limits are reached by many at once and given back: the exact number and error, and all is there again")
{
        struct msqid_ds ds;
        const uint32_t usable = usable_limits();

        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                books->limit = &limits[pick(usable)];
                books->crew = draw_crew(2, MOST_TAKERS);
                books->queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
                if (books->limit->take == take_queue)
                        MUST(msgctl(books->queue, IPC_RMID, NULL));
                books->limit->set();
                muster(books->crew, worker);
                set_off();
                all_end(books->limit->freed);
                if (books->limit->take == take_queue)
                        continue;
                MUST(msgctl(books->queue, IPC_STAT, &ds));
                EXPECT(msgrcv_upd_cbytes, ds.msg_qnum == 0 && ds.__msg_cbytes == 0,
                       "the empty queue has msg_qnum %lu and %lu bytes", (unsigned long)ds.msg_qnum,
                       (unsigned long)ds.__msg_cbytes);
                MUST(msgctl(books->queue, IPC_RMID, NULL));
        }
}
