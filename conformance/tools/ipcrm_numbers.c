/* SPDX-License-Identifier: MIT
 *
 * What ipcrm takes for a number, and what not: a mistake in it removes nothing.
 */
#include <limits.h>

#include "ipck_ipcrm.h"

/* An option-argument: the number of an object that is there, or not even that, with something before and behind it. */
struct argument {
        const char *name, *before;
        bool number;
        const char *behind;
};

static const char *with_number(const struct argument *argument, int number)
{
        return formatted("%s%s%s", argument->before, argument->number ? decimal(number) : "", argument->behind);
}

/* An object with a key, and one for its identifier. */
struct target {
        int id, keyed, count;
        key_t key;
};

static struct target new_target(const struct mechanism *m)
{
        struct target target = {.id = new_object(m, 0600), .key = fresh_key()};

        target.keyed = new_object_with(m, target.key, 0600);
        target.count = objects_of(m);
        return target;
}

static void expect_refusal(enum ipck_requirement req, const struct mechanism *m, const struct target *target,
                           const struct argument *argument)
{
        COMPLAINS(req, RUN("ipcrm", words_of(m)->id, with_number(argument, target->id)));
        COMPLAINS(req, RUN("ipcrm", words_of(m)->key, with_number(argument, (int)target->key)));
        EQ(req, objects_of(m), target->count);
}

/* The same objects by their number alone. */
static void expect_removal(enum ipck_requirement req, const struct mechanism *m, const struct target *target)
{
        SUCCEEDS(req, RUN("ipcrm", words_of(m)->id, decimal(target->id), words_of(m)->key, decimal(target->key)));
        HOLDS(req, !exists(m, target->id) && !exists(m, target->keyed));
}

TEST(what_is_no_number_names_nothing, VERIFIES(ipcrm_no_number))
{
        static const struct argument rows[] = {
                {"empty", "", false, ""}, {"a blank", " ", false, ""}, {"a word", "all", false, ""},
                {"a sign alone", "-", false, ""},
        };

        EACH_ROW(m, mechanisms) {
                const struct target target = new_target(m);

                EACH_ROW(row, rows)
                        expect_refusal(ipcrm_no_number, m, &target, row);
                expect_removal(ipcrm_no_number, m, &target);
        }
}

TEST(number_with_something_around_it_names_nothing, VERIFIES(ipcrm_number_rubbish))
{
        static const struct argument rows[] = {
                {"a letter behind it", "", true, "x"}, {"a blank behind it", "", true, " "},
                {"a fraction", "", true, ".0"},        {"a letter before it", "x", true, ""},
                {"two signs", "--", true, ""},         {"a list", "1,", true, ""},
        };

        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const struct target target = new_target(m);

                EACH_ROW(row, rows)
                        expect_refusal(ipcrm_number_rubbish, m, &target, row);
                expect_removal(ipcrm_number_rubbish, m, &target);
        }
}

/* ---- beyond 32 bits ---- */

/* The 64-bit numbers whose lower 32 bits are the one given. */
static const struct {
        const char *name;
        long long more;
} beyond[] = {
        {"2^32 more", 1LL << 32}, {"2^32 less", -(1LL << 32)}, {"2^48 more", 1LL << 48}, {"2^62 more", 1LL << 62},
        {"2^63 less", LLONG_MIN},
};

TEST(identifier_beyond_32_bits_names_nothing, VERIFIES(ipcrm_id_range))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                EACH_ROW(row, beyond) {
                        COMPLAINS(ipcrm_id_range, RUN("ipcrm", words_of(m)->id, formatted("%lld", id + row->more)));
                        HOLDS(ipcrm_id_range, exists(m, id));
                }
                COMPLAINS(ipcrm_id_range, RUN("ipcrm", words_of(m)->id, "99999999999999999999"));
                SUCCEEDS(ipcrm_id_range, RUN("ipcrm", words_of(m)->id, decimal(id)));
        }
}

TEST(key_beyond_64_bits_names_nothing, VERIFIES(ipcrm_key_range))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int count = objects_of(m);

                COMPLAINS(ipcrm_key_range, RUN("ipcrm", words_of(m)->key, "99999999999999999999"));
                COMPLAINS(ipcrm_key_range, RUN("ipcrm", words_of(m)->key, "0x10000000000000001"));
                EQ(ipcrm_key_range, objects_of(m), count);
        }
}

TEST(key_beyond_32_bits_names_nothing, VERIFIES(ipcrm_key_range))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms)
                EACH_ROW(row, beyond) {
                        const key_t key = fresh_key();

                        new_object_with(m, key, 0600);
                        COMPLAINS(ipcrm_key_range, RUN("ipcrm", words_of(m)->key, formatted("%lld", key + row->more)));
                        HOLDS(ipcrm_key_range, key_exists(m, key));
                }
}

/* ---- other bases than ten ---- */

enum base { HEXADECIMAL, UPPER_CASE, EIGHT_DIGITS, OCTAL };
static const struct {
        const char *name;
        enum base base;
} bases[] = {
        {"hexadecimal", HEXADECIMAL}, {"upper case", UPPER_CASE}, {"eight digits, as ipcs shows it", EIGHT_DIGITS},
        {"octal", OCTAL},
};

static const char *in_base(enum base base, unsigned number)
{
        switch (base) {
        case HEXADECIMAL: return formatted("0x%x", number);
        case UPPER_CASE: return formatted("0X%X", number);
        case EIGHT_DIGITS: return formatted("0x%08x", number);
        default: return formatted("0%o", number);
        }
}

TEST(key_in_another_base, VERIFIES(ipcrm_key_hex_octal))
{
        static const key_t keys[] = {-1, INT_MIN, INT_MAX, 0x5a0010, 011};

        need_util_linux("ipcrm");
        empty_namespace();
        EACH_ROW(m, mechanisms)
                EACH_ROW(row, bases)
                        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
                                new_object_with(m, keys[i], 0600);
                                SUCCEEDS(ipcrm_key_hex_octal,
                                         RUN("ipcrm", words_of(m)->key, in_base(row->base, (unsigned)keys[i])));
                                HOLDS(ipcrm_key_hex_octal, !key_exists(m, keys[i]));
                                MUST(m->remove(m->get(keys[i], IPC_CREAT | 0600)));
                        }
}

TEST(identifier_in_another_base, VERIFIES(ipcrm_id_hex_octal))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms)
                EACH_ROW(row, bases) {
                        /* Ten or more, so that its digits mean another number in base ten. */
                        burn_ids(m, 10);
                        const int id = new_object(m, 0600);

                        SUCCEEDS(ipcrm_id_hex_octal, RUN("ipcrm", words_of(m)->id, in_base(row->base, (unsigned)id)));
                        HOLDS(ipcrm_id_hex_octal, !exists(m, id));
                }
}

TEST(negative_key_as_procfs_shows_it, VERIFIES(ipcrm_key_negative))
{
        static const key_t keys[] = {-1, INT_MIN, -0x5a0010};

        need_util_linux("ipcrm");
        empty_namespace();
        EACH_ROW(m, mechanisms)
                for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
                        new_object_with(m, keys[i], 0600);
                        SUCCEEDS(ipcrm_key_negative, RUN("ipcrm", words_of(m)->key, decimal(keys[i])));
                        HOLDS(ipcrm_key_negative, !key_exists(m, keys[i]));
                }
}
