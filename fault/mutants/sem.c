/* SPDX-License-Identifier: MIT
 *
 * sem.c: what wrong System V semaphores ask and remember.
 */
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sem.h"

/* ---- asking ---- */

bool describe(int id, struct semid_ds *ds)
{
        enum { INDEXES = 1 << 15 };     /* Linux's IPCMNI */
        const int before = errno;
        const bool found = id >= 0 && real_semctl(id % INDEXES, 0, SEM_STAT_ANY, (union semun){.buf = ds}) == id;

        errno = before;
        return found;
}

bool set_exists(int id)
{
        struct semid_ds ds;

        return describe(id, &ds);
}

int ask(int id, int number, int command)
{
        const int before = errno;
        const int answer = real_semctl(id, number, command);

        errno = before;
        return answer;
}

struct seminfo sem_info(int command)
{
        const int before = errno;
        struct seminfo info = {0};

        real_semctl(0, 0, command, (union semun){.info = &info});
        errno = before;
        return info;
}

bool has_privilege(int capability)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2] = {{0}};
        const int before = errno;
        const bool got = syscall(SYS_capget, &header, data) == 0;

        errno = before;
        return got && (data[capability / 32].effective >> capability % 32 & 1);
}

gid_t filesystem_group(void)
{
        return (gid_t)setfsgid((gid_t)-1);      /* which no group is, so that nothing changes */
}

static bool in_group(gid_t group)
{
        gid_t groups[64];
        const int before = errno;
        const int count = getgroups(64, groups);

        errno = before;
        for (int i = 0; i < count; i++)
                if (groups[i] == group)
                        return true;
        return filesystem_group() == group;
}

enum kinship kinship(const struct ipc_perm *perm)
{
        if (geteuid() == perm->uid)
                return OWNER;
        if (geteuid() == perm->cuid)
                return CREATOR;
        if (in_group(perm->gid))
                return OWNING_GROUP;
        return in_group(perm->cgid) ? CREATING_GROUP : OTHER;
}

int bits_of(const struct ipc_perm *perm, enum kinship kinship)
{
        static const int shifts[] = {[OWNER] = 6, [CREATOR] = 6, [OWNING_GROUP] = 3, [CREATING_GROUP] = 3, [OTHER] = 0};

        return perm->mode >> shifts[kinship] & 06;
}

void let_others_run(void)
{
        const int before = errno;

        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        errno = before;
}

time_t present(void)
{
        struct timespec t;

        syscall(SYS_clock_gettime, CLOCK_REALTIME_COARSE, &t);
        return t.tv_sec;
}

int id_given(int id)
{
        if (id > 0xffff && chosen(semget_identifiers_turn_negative))
                return id | INT32_MIN;
        return id >= 0 && id + 1 == sem_memory()->now_named ? sem_memory()->first_name - 1 : id;
}

int id_meant(int id)
{
        if (id < -1 && (id & INT32_MAX) > 0xffff && chosen(semget_identifiers_turn_negative))
                return id & INT32_MAX;
        return id >= 0 && id + 1 == sem_memory()->first_name ? sem_memory()->now_named - 1 : id;
}

/* ---- remembering ---- */

struct sem_memory *sem_memory(void)
{
        _Static_assert(sizeof(struct sem_memory) <= TEST_MEMORY, "more to remember than there is room for");
        return test_memory();
}

void show(enum field field, int id, int number, long real, long instead)
{
        struct sem_memory *const memory = sem_memory();
        enum { MOST = sizeof(memory->shown) / sizeof(*memory->shown) };
        const unsigned place = memory->used++ % MOST;

        memory->shown[place].field = field;
        memory->shown[place].id = id;
        memory->shown[place].number = number;
        memory->shown[place].instead = instead;
        memory->shown[place].real = real;
}

/* The newest entry counts. */
long shown(enum field field, int id, int number, long real)
{
        const struct sem_memory *const memory = sem_memory();
        enum { MOST = sizeof(memory->shown) / sizeof(*memory->shown) };
        const unsigned used = memory->used;

        for (unsigned back = 1; back <= used && back <= MOST; back++) {
                const unsigned place = (used - back) % MOST;
                if (memory->shown[place].field == field && memory->shown[place].id == id &&
                    memory->shown[place].number == number)
                        return memory->shown[place].real == real ? memory->shown[place].instead : real;
        }
        return real;
}

/* ---- adjustments ---- */

enum { ADJUSTMENTS = 1024 };

static struct {
        pid_t owner;
        size_t used;
        struct {
                int id, number, sum;
        } list[ADJUSTMENTS];
} own;

static void keep_own(void)
{
        if (own.owner != getpid()) {
                own.owner = getpid();
                own.used = 0;
        }
}

static int *sum_of(int id, int number)
{
        keep_own();
        for (size_t i = 0; i < own.used; i++)
                if (own.list[i].id == id && own.list[i].number == number)
                        return &own.list[i].sum;
        return NULL;
}

void note_adjustments(int id, const struct sembuf *operations, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (!(operations[i].sem_flg & SEM_UNDO) || !operations[i].sem_op)
                        continue;
                int *const sum = sum_of(id, operations[i].sem_num);
                if (sum) {
                        *sum -= operations[i].sem_op;
                } else if (own.used < ADJUSTMENTS) {
                        own.list[own.used].id = id;
                        own.list[own.used].number = operations[i].sem_num;
                        own.list[own.used++].sum = -operations[i].sem_op;
                }
        }
}

int adjustment(int id, int number)
{
        const int *const sum = sum_of(id, number);

        return sum ? *sum : 0;
}

bool next_adjustment(size_t *at, int *id, int *number, int *sum)
{
        keep_own();
        while (*at < own.used && own.list[*at].sum == 0)
                ++*at;
        if (*at >= own.used)
                return false;
        *id = own.list[*at].id;
        *number = own.list[*at].number;
        *sum = own.list[(*at)++].sum;
        return true;
}

void forget_adjustment(int id, int number)
{
        int *const sum = sum_of(id, number);

        if (sum)
                *sum = 0;
}

void adjust(int id, int number, int by)
{
        const int before = errno;
        const short noted = SEM_UNDO | IPC_NOWAIT, plain = IPC_NOWAIT, amount = (short)abs(by);
        struct sembuf up_first[] = {
                {(unsigned short)number, amount, by > 0 ? plain : noted},
                {(unsigned short)number, (short)-amount, by > 0 ? noted : plain},
        };
        struct sembuf down_first[] = {up_first[1], up_first[0]};

        if (by && real_semop(id, up_first, 2) == -1 && errno == ERANGE)
                real_semop(id, down_first, 2);
        errno = before;
}
