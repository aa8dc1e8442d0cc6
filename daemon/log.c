/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define FIELDS_MAX 16

/*
 * Where stderr goes to the journal, systemd sets JOURNAL_STREAM to its device and inode. Whoever sends stderr elsewhere
 * leaves the variable as it is, so that they are to be compared (systemd.exec(5)).
 */
static bool to_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        struct stat status;
        char own[64];

        if (!stream || fstat(STDERR_FILENO, &status) < 0)
                return false;
        snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)status.st_dev,
                 (unsigned long long)status.st_ino);
        return streq(stream, own);
}

/* Returns as sd_journal_sendv(). */
static int send_to_journal(int priority, const char *message_id, const struct log_field *fields,
                           const char *message) {
        struct iovec vector[FIELDS_MAX + 3];
        char *texts[FIELDS_MAX + 3];
        int n = 0, r;

        if (format_to(&texts[n], "MESSAGE=%s", message) == 0)
                n++;
        if (format_to(&texts[n], "PRIORITY=%d", priority) == 0)
                n++;
        if (message_id && format_to(&texts[n], "MESSAGE_ID=%s", message_id) == 0)
                n++;
        for (size_t i = 0; fields && fields[i].name && i < FIELDS_MAX; i++)
                if (fields[i].value &&
                    format_to(&texts[n], "%s=%s", fields[i].name, fields[i].value) == 0)
                        n++;

        for (int i = 0; i < n; i++)
                vector[i] = (struct iovec){.iov_base = texts[i], .iov_len = strlen(texts[i])};
        r = sd_journal_sendv(vector, n);
        for (int i = 0; i < n; i++)
                free(texts[i]);
        return r;
}

void log_entry(int priority, const char *message_id, const struct log_field *fields,
               const char *format, ...) {
        AUTO_FREE char *message = NULL;
        va_list arguments;
        int r;

        if (priority >= LOG_DEBUG && !getenv("XSAVESD_DEBUG"))
                return;
        va_start(arguments, format);
        r = vasprintf(&message, format, arguments);
        va_end(arguments);
        if (r < 0) {
                message = NULL;
                /* stderr needs no memory, and systemd has it in the journal, too. */
                fprintf(stderr, "xsavesd: out of memory for this message: %s\n", format);
                return;
        }
        make_one_line(message);

        if (!to_journal() || send_to_journal(priority, message_id, fields, message) < 0)
                fprintf(stderr, "xsavesd: %s\n", message);
}
