/* SPDX-License-Identifier: MIT
 *
 * <mqueue.h>: its types, structure and prototypes, the limits around them, and whether its struct mq_attr is the
 * kernel's.
 */
#include <limits.h>

#include "ipck_header.h"
#include "ipck_mq.h"

#undef mq_open
#undef mq_close
#undef mq_unlink
#undef mq_send
#undef mq_timedsend
#undef mq_receive
#undef mq_timedreceive
#undef mq_notify
#undef mq_getattr
#undef mq_setattr

/* Whether the header alone makes the name visible; true where the build made no list. */
static bool seen(const char *name)
{
        return !mqueue_names[0].name || visible(mqueue_names, name);
}

TEST(type_of_descriptors, VERIFIES(mqueue_h_mqd_t), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        struct mq_attr attr;
        mqd_t copy;

        /* An array could not be assigned. */
        copy = queue;
        EQ(mqueue_h_mqd_t, (mq_getattr)(copy, &attr), 0);
        HOLDS(mqueue_h_mqd_t, copy != (mqd_t)-1);
        HOLDS(mqueue_h_mqd_t, seen("mqd_t"));
}

TEST(mq_attr_has_the_members, VERIFIES(mqueue_h_mq_attr), ONE_ROUTE)
{
        HOLDS(mqueue_h_mq_attr, MEMBER_IS(struct mq_attr, mq_flags, long));
        HOLDS(mqueue_h_mq_attr, MEMBER_IS(struct mq_attr, mq_maxmsg, long));
        HOLDS(mqueue_h_mq_attr, MEMBER_IS(struct mq_attr, mq_msgsize, long));
        HOLDS(mqueue_h_mq_attr, MEMBER_IS(struct mq_attr, mq_curmsgs, long));
        HOLDS(mqueue_h_mq_attr, seen("mq_attr"));
}

TEST(types_are_defined, VERIFIES(mqueue_h_types), ONE_ROUTE)
{
        static const struct name types[] = {{"pthread_attr_t"}, {"size_t"}, {"ssize_t"}, {"timespec"}, {"sigevent"}};

        if (!mqueue_names[0].name)
                UNSUPPORTED("the list of names in <mqueue.h>, which the build makes");
        EACH_ROW(type, types)
                HOLDS(mqueue_h_types, visible(mqueue_names, type->name));
}

TEST(functions_are_declared, VERIFIES(mqueue_h_protos), ONE_ROUTE)
{
        static const struct name functions[] = {
                {"mq_close"}, {"mq_getattr"}, {"mq_notify"}, {"mq_open"}, {"mq_receive"}, {"mq_send"}, {"mq_setattr"},
                {"mq_timedreceive"}, {"mq_timedsend"}, {"mq_unlink"},
        };

        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_close, int(mqd_t)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_getattr, int(mqd_t, struct mq_attr *)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_notify, int(mqd_t, const struct sigevent *)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_open, mqd_t(const char *, int, ...)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_receive, ssize_t(mqd_t, char *, size_t, unsigned *)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_send, int(mqd_t, const char *, size_t, unsigned)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_setattr, int(mqd_t, const struct mq_attr *, struct mq_attr *)));
        HOLDS(mqueue_h_protos,
              FUNCTION_IS(mq_timedreceive, ssize_t(mqd_t, char *, size_t, unsigned *, const struct timespec *)));
        HOLDS(mqueue_h_protos,
              FUNCTION_IS(mq_timedsend, int(mqd_t, const char *, size_t, unsigned, const struct timespec *)));
        HOLDS(mqueue_h_protos, FUNCTION_IS(mq_unlink, int(const char *)));
        EACH_ROW(function, functions)
                HOLDS(mqueue_h_protos, seen(function->name));
}

/* ---- limits ---- */

TEST(number_of_open_queues, VERIFIES(mqueue_h_open_max), ONE_ROUTE)
{
        errno = 0;
        const long most = sysconf(_SC_MQ_OPEN_MAX);

        EQ(mqueue_h_open_max, errno, 0);
        HOLDS(mqueue_h_open_max, most == -1 || most >= _POSIX_MQ_OPEN_MAX);
        HOLDS(mqueue_h_open_max, _POSIX_MQ_OPEN_MAX == 8);
#ifdef MQ_OPEN_MAX
        HOLDS(mqueue_h_open_max, MQ_OPEN_MAX >= 8);
        HOLDS(mqueue_h_open_max, most == -1 || most >= MQ_OPEN_MAX);
#endif
        /* And so many can be open. */
        struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

        need_descriptors(8);
        for (int i = 0; i < 8; i++)
                OPENS(mqueue_h_open_max, mq_open(QUEUE_NAME, O_CREAT | O_RDWR, 0600, &small));
}

TEST(number_of_priorities, VERIFIES(mqueue_h_prio_max), ONE_ROUTE)
{
        const long most = sysconf(_SC_MQ_PRIO_MAX);
        const mqd_t queue = small_mq(O_RDWR);

        BETWEEN(mqueue_h_prio_max, _POSIX_MQ_PRIO_MAX, most, LONG_MAX);
        HOLDS(mqueue_h_prio_max, _POSIX_MQ_PRIO_MAX == 32);
#ifdef MQ_PRIO_MAX
        BETWEEN(mqueue_h_prio_max, 32, MQ_PRIO_MAX, most);
#endif
        EQ(mqueue_h_prio_max, mq_send(queue, "m", 1, 31), 0);
        EQ(mqueue_h_prio_max, mq_send(queue, "m", 1, (unsigned)most - 1), 0);
        FAILS_WITH(mqueue_h_prio_max, EINVAL, mq_send(queue, "m", 1, (unsigned)most));
}

TEST(option_is_told, VERIFIES(mqueue_h_option), ONE_ROUTE)
{
        const long version = sysconf(_SC_MESSAGE_PASSING);

        /* That of 1993, or that of an issue of the standard. */
        BETWEEN(mqueue_h_option, 199309, version, LONG_MAX);
        EQ(mqueue_h_option, version, sysconf(_SC_VERSION));
#if defined(_POSIX_MESSAGE_PASSING) && _POSIX_MESSAGE_PASSING > 0
        EQ(mqueue_h_option, version, _POSIX_MESSAGE_PASSING);
#endif
}

/* ---- the kernel's structure, by the system call itself ---- */

TEST(members_lie_where_the_kernel_writes, VERIFIES(mqueue_h_layout_kernel))
{
        /* What lies behind it is inaccessible. */
        struct mq_attr *const attr = guarded(sizeof(*attr)), *const asked = guarded(sizeof(*asked));

        memset(asked, 0x5a, sizeof(*asked));
        asked->mq_flags = 0;
        asked->mq_maxmsg = 5;
        asked->mq_msgsize = 77;
        asked->mq_curmsgs = 0;
        const mqd_t queue = mq_must_fit(ipck_mq_open(QUEUE_NAME, O_CREAT | O_RDWR | O_NONBLOCK, 0600, asked));
        for (int i = 0; i < 3; i++)
                mq_post(queue, 0, "m");
        memset(attr, 0x5a, sizeof(*attr));
        EQ(mqueue_h_layout_kernel, ipck_mq_getattr(queue, attr), 0);
        EQ(mqueue_h_layout_kernel, attr->mq_flags, O_NONBLOCK);
        EQ(mqueue_h_layout_kernel, attr->mq_maxmsg, 5);
        EQ(mqueue_h_layout_kernel, attr->mq_msgsize, 77);
        EQ(mqueue_h_layout_kernel, attr->mq_curmsgs, 3);
        memset(attr, 0x5a, sizeof(*attr));
        memset(asked, 0, sizeof(*asked));
        EQ(mqueue_h_layout_kernel, ipck_mq_setattr(queue, asked, attr), 0);
        EQ(mqueue_h_layout_kernel, attr->mq_flags, O_NONBLOCK);
        EQ(mqueue_h_layout_kernel, attr->mq_curmsgs, 3);
        EQ(mqueue_h_layout_kernel, attr_of(queue).mq_flags, 0);
}

TEST(kernel_fills_the_whole_structure, VERIFIES(mqueue_h_layout_kernel))
{
        const mqd_t queue = small_mq(O_RDWR);
        unsigned char first[sizeof(struct mq_attr)], second[sizeof(struct mq_attr)];
        struct mq_attr attr;

        memset(&attr, 0x5a, sizeof(attr));
        EQ(mqueue_h_layout_kernel, ipck_mq_getattr(queue, &attr), 0);
        memcpy(first, &attr, sizeof(first));
        memset(&attr, 0xa5, sizeof(attr));
        EQ(mqueue_h_layout_kernel, ipck_mq_getattr(queue, &attr), 0);
        memcpy(second, &attr, sizeof(second));
        HOLDS(mqueue_h_layout_kernel, memcmp(first, second, sizeof(first)) == 0);
}
