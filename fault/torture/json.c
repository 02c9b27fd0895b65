/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include "apart.h"

enum { MOST = 1 << 20 };

/* Bytes beyond ASCII are shown as Latin-1 has them: what a program writes need not be UTF-8. */
void write_string(FILE *out, const char *text, size_t length)
{
        putc('"', out);
        for (size_t i = 0; i < length; i++) {
                const unsigned char c = (unsigned char)text[i];
                if (c == '"' || c == '\\')
                        fprintf(out, "\\%c", c);
                else if (c < ' ' || c >= 127)
                        fprintf(out, "\\u%04x", c);
                else
                        putc(c, out);
        }
        putc('"', out);
}

char *text_of(int file, size_t *length)
{
        char *const text = malloc(MOST + 1);
        ssize_t n = 0;

        if (!text)
                refuse("malloc");
        *length = 0;
        while (file != -1 && *length < MOST && (n = pread(file, text + *length, MOST - *length, (off_t)*length)) > 0)
                *length += (size_t)n;
        text[*length] = '\0';
        return text;
}
