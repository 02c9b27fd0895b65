/* SPDX-License-Identifier: MIT
 *
 * mutants.c: which mutant is chosen, and the calls that are not broken.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mutants.h"

#define CALL(name, ...) __typeof__(name) *real_##name;
#include "../each_call.h"

static enum mutant_number wanted = MUTANTS;
static struct reached *map;             /* NULL where nothing is to be noted */

/* What mutants remember of a test, and the hash of its name before it. */
union notes {
        _Atomic uint64_t hash;
        char memory[sizeof(uint64_t) + TEST_MEMORY];
};
static union notes *notes;              /* NULL where no mutant is chosen */

static _Noreturn void refuse(const char *what, const char *name)
{
        fprintf(stderr, "ipck: %s: %s\n", what, name);
        _exit(2);
}

static void open_map(const char *path)
{
        const int file = open(path, O_RDWR | O_CLOEXEC);

        if (file == -1 || ftruncate(file, (off_t)(REACHED_MOST * sizeof(*map))) == -1)
                refuse("IPCK_MUTANT_MAP cannot be opened", path);
        void *const memory = mmap(NULL, REACHED_MOST * sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (memory == MAP_FAILED)
                refuse("IPCK_MUTANT_MAP cannot be mapped", path);
        close(file);
        map = memory;
}

__attribute__((constructor)) static void begin(void)
{
        const char *const name = getenv("IPCK_MUTANT");
        const char *const path = getenv("IPCK_MUTANT_MAP");

#define CALL(name, ...) *(void **)&real_##name = dlsym(RTLD_NEXT, #name);
#include "../each_call.h"
        if (name && *name) {
                for (unsigned i = 0; i < MUTANTS; i++)
                        if (strcmp(mutants[i].name, name) == 0)
                                wanted = i;
                if (wanted == MUTANTS)
                        refuse("IPCK_MUTANT names no mutant", name);
                void *const memory = mmap(NULL, REACHED_MOST * sizeof(*notes), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
                if (memory == MAP_FAILED)
                        refuse("no memory for what is to be remembered", name);
                notes = memory;
        }
        if (path && *path)
                open_map(path);
}

/* FNV-1a; never 0. */
static uint64_t hash_of(const char *text)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        while (*text)
                hash = (hash ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
        return hash | 1;
}

/* Finds the place of the test that runs among REACHED_MOST that begin with its hash, and takes a free one where it has
 * none; -1 outside tests. */
static long place_of_test(void *places, size_t size)
{
        const char *const test = getenv("IPCK_TEST");

        if (!test)
                return -1;
        const uint64_t hash = hash_of(test);
        for (size_t turn = 0; turn < REACHED_MOST; turn++) {
                const size_t place = (hash + turn) % REACHED_MOST;
                _Atomic uint64_t *const holder = (void *)((char *)places + place * size);
                uint64_t before = 0;
                if (atomic_compare_exchange_strong(holder, &before, hash) || before == hash)
                        return (long)place;
        }
        refuse("more tests than there is room for", test);
}

/* The record of the test that runs, NULL outside tests. Processes that come here at once write the same name there. */
static struct reached *own_record(void)
{
        static struct reached *record;

        if (!record) {
                const long place = place_of_test(map, sizeof(*map));
                if (place == -1)
                        return NULL;
                strncpy(map[place].test, getenv("IPCK_TEST"), sizeof(map[place].test) - 1);
                record = &map[place];
        }
        return record;
}

void *test_memory(void)
{
        static union notes outside;
        static union notes *own;

        if (!own) {
                const long place = notes ? place_of_test(notes, sizeof(*notes)) : -1;
                if (place == -1)
                        return outside.memory + sizeof(outside.hash);
                own = &notes[place];
        }
        return own->memory + sizeof(own->hash);
}

/* Outside of a test, in the runner's own process, no call is wrong: its namespaces are those of the machine. */
static bool in_a_test(void)
{
        static bool known;

        if (!known)
                known = getenv("IPCK_TEST") != NULL;
        return known;
}

bool mutant_is_chosen(enum mutant_number number)
{
        if (map) {
                const int before = errno;
                struct reached *const record = own_record();
                if (record)
                        __atomic_fetch_or(&record->mutants[number / 64], UINT64_C(1) << (number % 64),
                                          __ATOMIC_RELAXED);
                errno = before;
        }
        return number == wanted && in_a_test();
}

/* To be noted once is enough. */
bool mutant_is_in_question(enum mutant_number number)
{
        if (!map)
                return number == wanted;
        const struct reached *const record = own_record();
        return record && !(record->mutants[number / 64] >> (number % 64) & 1);
}

/* Whether the call of the mutant that is chosen is among these. */
static bool is_of(const char *names)
{
        const char *const call = mutants[wanted].call;
        const size_t length = strlen(call);

        for (const char *next = names; *next; next += strspn(next, " ")) {
                const size_t other = strcspn(next, " ");
                if (other == length && memcmp(next, call, length) == 0)
                        return true;
                next += other;
        }
        return false;
}

bool mutants_are_in_question(const char *names)
{
        return (map || (wanted != MUTANTS && (!names || is_of(names)))) && in_a_test();
}

bool mutants_one_in_question(const enum mutant_number *numbers, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (mutant_is_in_question(numbers[i]))
                        return true;
        return false;
}

/* Looking at a page that nobody has used yet would stop where a test's window (ipck_window.h) waits for the call. */
static bool is_in_use(const void *memory, size_t size)
{
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        unsigned char resident;

        for (uintptr_t at = (uintptr_t)memory / page * page; at < (uintptr_t)memory + size; at += page)
                if (mincore((void *)at, page, &resident) == -1 || !(resident & 1))
                        return false;
        return true;
}

bool peek(void *to, const void *from, size_t size)
{
        const int before = errno;
        const struct iovec here = {to, size}, there = {(void *)from, size};
        const bool whole =
                is_in_use(from, size) && process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;

        errno = before;
        return whole;
}

bool poke(void *to, const void *from, size_t size)
{
        const int before = errno;
        const struct iovec here = {(void *)from, size}, there = {to, size};
        const bool whole = process_vm_writev(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;

        errno = before;
        return whole;
}

int fail(int error)
{
        errno = error;
        return -1;
}
