/* SPDX-License-Identifier: MIT
 *
 * report.c: JSON lines.
 *
 *   {"type":"run","schema":1,"flavour","compiler","libc","kernel","machine","isolation","clock_ns","processors","bound",
 *    "benchmarks","facts","config"}                             the target; clock_ns is what two readings of the clock lose
 *   {"type":"ready","bench":NAME,"operations":N}                a batch will be N operations
 *   {"type":"samples","bench":NAME,"ns":[..]}                   nanoseconds of a unit (a call, a round trip ..), a batch each
 *   {"type":"skip","bench":NAME,"reason":TEXT}                  the target lacks what it needs
 *   {"type":"error","bench":NAME,"reason":TEXT}                 a call failed, its process died or hung
 *   {"type":"end"}
 */
#include <stdio.h>
#include <sys/utsname.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "../../conformance/lib/internal.h"
#include "bench.h"

static void libc_name(char *text, size_t size)
{
#ifdef __GLIBC__
        snprintf(text, size, "glibc %s", gnu_get_libc_version());
#elif defined(IPCK_LIBC_NAME)
        snprintf(text, size, "%s", IPCK_LIBC_NAME);
#else
        snprintf(text, size, "unknown");
#endif
}

static void member(const char *name, const char *text)
{
        printf(",\"%s\":", name);
        ipck_json_string(stdout, text);
}

static void finish_line(void)
{
        puts("}");
        fflush(stdout);
}

void report_run(bool user_namespace, size_t benches)
{
        struct utsname system;
        char kernel[sizeof(system.sysname) + sizeof(system.release) + 1], libc[64];

        uname(&system);
        snprintf(kernel, sizeof(kernel), "%s %s", system.sysname, system.release);
        libc_name(libc, sizeof(libc));
        fputs("{\"type\":\"run\",\"schema\":1", stdout);
        member("flavour", IPCK_FLAVOUR);
        member("compiler", IPCK_COMPILER);
        member("libc", libc);
        member("kernel", kernel);
        member("machine", system.machine);
        member("isolation", user_namespace ? "user namespace" : "namespaces");
        printf(",\"clock_ns\":%.5g,\"processors\":%d,\"bound\":%s,\"benchmarks\":%zu", clock_step(), processors_usable(),
               processors_bind() ? "true" : "false", benches);
        ipck_describe_machine(stdout);
        finish_line();
}

void report_ready(const struct bench *bench, unsigned long operations)
{
        printf("{\"type\":\"ready\",\"bench\":\"%s\",\"operations\":%lu", bench->name, operations);
        finish_line();
}

void report_samples(const struct bench *bench, const double *ns, size_t count)
{
        if (count == 0)
                return;
        printf("{\"type\":\"samples\",\"bench\":\"%s\",\"ns\":[", bench->name);
        for (size_t i = 0; i < count; i++)
                printf("%s%.5g", i ? "," : "", ns[i]);
        putchar(']');
        finish_line();
}

void report_end_of(const struct bench *bench, const char *kind, const char *reason)
{
        printf("{\"type\":\"%s\",\"bench\":\"%s\"", kind, bench->name);
        member("reason", reason);
        finish_line();
}

void report_end(void)
{
        fputs("{\"type\":\"end\"", stdout);
        finish_line();
}
