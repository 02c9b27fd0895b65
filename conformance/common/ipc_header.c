/* SPDX-License-Identifier: MIT
 *
 * <sys/ipc.h>: its constants, its structure and the names that it makes visible. What can be checked without failing to
 * compile gets its verdict when the test runs.
 */
#include "ipck_header.h"
#include "ipck_sem.h"

TEST(ipc_perm_has_the_members, VERIFIES(sys_ipc_h_ipc_perm_uid, sys_ipc_h_ipc_perm_gid, sys_ipc_h_ipc_perm_cuid,
                                        sys_ipc_h_ipc_perm_cgid, sys_ipc_h_ipc_perm_mode), ONE_ROUTE)
{
        HOLDS(sys_ipc_h_ipc_perm_uid, MEMBER_IS(struct ipc_perm, uid, uid_t));
        HOLDS(sys_ipc_h_ipc_perm_gid, MEMBER_IS(struct ipc_perm, gid, gid_t));
        HOLDS(sys_ipc_h_ipc_perm_cuid, MEMBER_IS(struct ipc_perm, cuid, uid_t));
        HOLDS(sys_ipc_h_ipc_perm_cgid, MEMBER_IS(struct ipc_perm, cgid, gid_t));
        HOLDS(sys_ipc_h_ipc_perm_mode, MEMBER_IS(struct ipc_perm, mode, mode_t));
}

TEST(flags_can_be_combined, VERIFIES(sys_ipc_h_flags_distinct, sys_ipc_h_flags_vs_mode), ONE_ROUTE)
{
        HOLDS(sys_ipc_h_flags_distinct, IS_CONSTANT(IPC_CREAT));
        HOLDS(sys_ipc_h_flags_distinct, IS_CONSTANT(IPC_EXCL));
        HOLDS(sys_ipc_h_flags_distinct, IS_CONSTANT(IPC_NOWAIT));
        HOLDS(sys_ipc_h_flags_distinct, IPC_CREAT != 0);
        HOLDS(sys_ipc_h_flags_distinct, IPC_EXCL != 0);
        HOLDS(sys_ipc_h_flags_distinct, IPC_NOWAIT != 0);
        EQ(sys_ipc_h_flags_distinct, IPC_CREAT & IPC_EXCL, 0);
        EQ(sys_ipc_h_flags_distinct, IPC_CREAT & IPC_NOWAIT, 0);
        EQ(sys_ipc_h_flags_distinct, IPC_EXCL & IPC_NOWAIT, 0);
        EQ(sys_ipc_h_flags_vs_mode, IPC_CREAT & 0777, 0);
        EQ(sys_ipc_h_flags_vs_mode, IPC_EXCL & 0777, 0);
        EQ(sys_ipc_h_flags_vs_mode, IPC_NOWAIT & 0777, 0);
}

TEST(private_key_is_a_key, VERIFIES(sys_ipc_h_private), ONE_ROUTE)
{
        const key_t key = IPC_PRIVATE;

        HOLDS(sys_ipc_h_private, IS_CONSTANT(IPC_PRIVATE));
        HOLDS(sys_ipc_h_private, key == IPC_PRIVATE);
        EQ(sys_ipc_h_private, key, (intmax_t)(IPC_PRIVATE));
}

TEST(commands_differ, VERIFIES(sys_ipc_h_cmds_distinct), ONE_ROUTE)
{
        HOLDS(sys_ipc_h_cmds_distinct, IS_CONSTANT(IPC_RMID));
        HOLDS(sys_ipc_h_cmds_distinct, IS_CONSTANT(IPC_SET));
        HOLDS(sys_ipc_h_cmds_distinct, IS_CONSTANT(IPC_STAT));
        HOLDS(sys_ipc_h_cmds_distinct, IPC_RMID != IPC_SET);
        HOLDS(sys_ipc_h_cmds_distinct, IPC_RMID != IPC_STAT);
        HOLDS(sys_ipc_h_cmds_distinct, IPC_SET != IPC_STAT);
}

TEST(ftok_is_declared, VERIFIES(sys_ipc_h_ftok_proto), ONE_ROUTE)
{
        HOLDS(sys_ipc_h_ftok_proto, __builtin_types_compatible_p(__typeof__(ftok), key_t(const char *, int)));
}

TEST(types_are_defined, VERIFIES(sys_ipc_h_types), ONE_ROUTE)
{
        need_names();
        HOLDS(sys_ipc_h_types, visible(ipc_names, "uid_t"));
        HOLDS(sys_ipc_h_types, visible(ipc_names, "gid_t"));
        HOLDS(sys_ipc_h_types, visible(ipc_names, "mode_t"));
        HOLDS(sys_ipc_h_types, visible(ipc_names, "key_t"));
}

TEST(key_is_an_int, VERIFIES(sys_ipc_h_key_t_int), ONE_ROUTE)
{
        HOLDS(sys_ipc_h_key_t_int, __builtin_types_compatible_p(key_t, int));
}

TEST(flags_have_no_other_names, VERIFIES(sys_ipc_h_no_other_flags), ONE_ROUTE)
{
        static const struct name wrong[] = {{"IPC_CREATE"}, {"IPC_WAIT"}};
        /* With all extensions of the C library, as this file is compiled. */
        const bool defined[] = {
#ifdef IPC_CREATE
                true,
#else
                false,
#endif
#ifdef IPC_WAIT
                true,
#else
                false,
#endif
        };

        EACH_ROW(name, wrong) {
                HOLDS(sys_ipc_h_no_other_flags, !defined[name - wrong]);
                if (have_names())
                        HOLDS(sys_ipc_h_no_other_flags, !visible(ipc_names, name->name));
        }
}

/* ---- what else may be visible ---- */

static bool starts_with(const char *name, const char *prefix)
{
        return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *name, const char *suffix)
{
        const size_t length = strlen(name), tail = strlen(suffix);

        return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static bool one_of(const char *name, const char *const *list)
{
        for (; *list; list++)
                if (strcmp(name, *list) == 0)
                        return true;
        return false;
}

static bool allowed(const char *name)
{
        static const char *const keywords[] = {
                "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
                "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
                "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
                "volatile", "while", NULL};
        static const char *const specified[] = {"ftok", "uid", "gid", "cuid", "cgid", "mode", NULL};
        /* XSH 2.2.2 gives the header these names, two prefixes, and the suffix _t, which belongs to all headers. */
        static const char *const complete[] = {"key", "pad", "seq", NULL};

        return name[0] == '_' || starts_with(name, "ipc_") || starts_with(name, "IPC_") || ends_with(name, "_t") ||
               one_of(name, keywords) || one_of(name, specified) || one_of(name, complete);
}

TEST(no_name_is_taken_from_the_program, VERIFIES(sys_ipc_h_namespace), ONE_ROUTE)
{
        need_names();
        EACH_ROW(name, ipc_names)
                HOLDS(sys_ipc_h_namespace, allowed(name->name));
}
