/* SPDX-License-Identifier: MIT
 *
 * model.c: what is the same for all models: states as bytes, and everything as text.
 */
#include <stdarg.h>
#include <stdio.h>

#include "rules.h"

const char *const call_names[CALLS] = {
#define NAME(call) [CALL_##call] = #call
        NAME(semget), NAME(semop), NAME(semtimedop), NAME(semctl),
        NAME(msgget), NAME(msgsnd), NAME(msgrcv), NAME(msgctl),
        NAME(shmget), NAME(shmat), NAME(shmdt), NAME(shmctl),
        NAME(sem_open), NAME(sem_close), NAME(sem_unlink), NAME(sem_init), NAME(sem_destroy),
        NAME(sem_post), NAME(sem_wait), NAME(sem_trywait), NAME(sem_timedwait), NAME(sem_clockwait), NAME(sem_getvalue),
        NAME(mq_open), NAME(mq_close), NAME(mq_unlink), NAME(mq_send), NAME(mq_timedsend), NAME(mq_receive),
        NAME(mq_timedreceive), NAME(mq_getattr), NAME(mq_setattr), NAME(mq_notify),
        NAME(exit), NAME(interrupt),
#undef NAME
};

/* ---- states ---- */

bool states_equal(const struct model *model, const void *a, const void *b)
{
        const size_t size = model->size(a);

        return size == model->size(b) && memcmp(a, b, size) == 0;
}

uint64_t state_hash(const struct model *model, const void *state)
{
        const unsigned char *byte = state;
        uint64_t hash = 0x9e3779b97f4a7c15, word;
        size_t left = model->size(state);

        for (; left >= sizeof(word); left -= sizeof(word), byte += sizeof(word)) {
                memcpy(&word, byte, sizeof(word));
                hash = (hash ^ word) * 0xff51afd7ed558ccd;
                hash ^= hash >> 32;
        }
        for (; left > 0; left--)
                hash = (hash ^ *byte++) * 0x100000001b3;
        return hash ^ hash >> 29;
}

void copy_state(const struct model *model, void *to, const void *from)
{
        memcpy(to, from, model->size(from));
}

/* ---- text ---- */

void add_text(char *text, size_t size, size_t *at, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        if (*at < size) {
                const int length = vsnprintf(text + *at, size - *at, format, args);
                *at += length > 0 ? (size_t)length : 0;
        }
        va_end(args);
}
