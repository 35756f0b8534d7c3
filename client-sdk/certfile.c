/* SPDX-License-Identifier: Apache-2.0 */
/* certfile.c: see certfile.h. Files are opened so that neither a pipe nor a terminal can hold the reader
 * up, and are looked at through the descriptor that is read, not through the name.
 */
#include "client-sdk/certfile.h"

#include "base/outcome.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILES_MAX 256

static const char *const labels[] = { "CERTIFICATE", NULL };
static const char *const endings[] = { ".pem", ".crt", ".cer", ".der", NULL };
static const struct certfile_kind certificates = { .labels = labels,
        .endings = endings,
        .file_max = 1024 * 1024,
        .what = "no certificate in it",
        .size = "not a plain file of 1 byte to 1 MiB" };

static const struct certfile_kind *kind_of(const struct certfile *in)
{
        return in->kind ? in->kind : &certificates;
}

static bool is_among(const char *const *names, const char *name)
{
        while (*names && strcmp(*names, name) != 0)
                names++;
        return *names != NULL;
}

static void close_file(FILE **file)
{
        if (*file)
                fclose(*file);
}

int certfile_complain(const struct certfile *in, const char *path, const char *what)
{
        bool told = in->go_on && in->problem_cap > 0 && in->problem[0];
        if (in->problem_cap > 0 && !told)
                snprintf(in->problem, in->problem_cap, "%s: %s", path, what);
        return OUTCOME_INVALID;
}

const char *certfile_unguarded(const struct stat *st)
{
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return "it belongs to another user";
        return st->st_mode & S_IWOTH ? "everybody may write to it" : NULL;
}

static int read_pem(const struct certfile *in, const char *path, const char *text, size_t len)
{
        BIO *bio = BIO_new_mem_buf(text, (int)len);
        int r = bio ? 0 : -ENOMEM;
        size_t count = 0;
        char *name, *header;
        unsigned char *der;
        long der_len;
        while (r == 0 && PEM_read_bio(bio, &name, &header, &der, &der_len) == 1) {
                if (is_among(kind_of(in)->labels, name))
                        r = in->each(in->user, path, der, (size_t)der_len);
                else
                        r = certfile_complain(in, path, "a PEM block of another kind");
                count++;
                OPENSSL_free(name);
                OPENSSL_free(header);
                OPENSSL_free(der);
        }
        BIO_free(bio);
        unsigned long error = ERR_peek_last_error();
        ERR_clear_error();
        if (r == 0 && ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
                return -ENOMEM;
        if (r == 0 && ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
                return certfile_complain(in, path, "a damaged PEM block");
        return r != 0 || count > 0 ? r : certfile_complain(in, path, kind_of(in)->what);
}

static int check_file(const struct certfile *in, const char *path, const struct stat *st)
{
        const char *wrong = in->guarded ? certfile_unguarded(st) : NULL;
        if (!S_ISREG(st->st_mode) || st->st_size < 1 || (size_t)st->st_size > kind_of(in)->file_max)
                wrong = kind_of(in)->size;
        return wrong ? certfile_complain(in, path, wrong) : 0;
}

static int read_file(const struct certfile *in, const char *path)
{
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return certfile_complain(in, path, strerror(errno));
        _cleanup_(close_file) FILE *file = fdopen(fd, "r");
        if (!file) {
                close(fd);
                return -ENOMEM;
        }
        if (fstat(fd, &st) < 0)
                return certfile_complain(in, path, strerror(errno));
        int r = check_file(in, path, &st);
        if (r != 0)
                return r;
        size_t cap = (size_t)st.st_size;
        _cleanup_free_ char *text = malloc(cap);
        if (!text)
                return -ENOMEM;
        if (fread(text, 1, cap, file) != cap)
                return certfile_complain(in, path, "changed while it was read");
        if (text[0] == 0x30)
                return in->each(in->user, path, (uint8_t *)text, cap);
        return read_pem(in, path, text, cap);
}

static bool is_named_so(const struct certfile *in, const char *name)
{
        const char *dot = strrchr(name, '.');
        return dot && dot != name && name[0] != '.' && is_among(kind_of(in)->endings, dot);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_entry(const struct certfile *in, const char *folder, const char *name)
{
        _cleanup_free_ char *whole = NULL;
        if (asprintf(&whole, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        return read_file(in, whole);
}

/* Also when one of them is wrong, if the caller goes on; broken is broken. */
static int read_entries(const struct certfile *in, const char *path, struct dirent **names,
        int count, int *ret_named)
{
        int r = 0, named = 0;
        for (int i = 0; i < count; i++) {
                if (!is_named_so(in, names[i]->d_name) || r < 0 || (r > 0 && !in->go_on))
                        continue;
                int one = ++named > FILES_MAX ? certfile_complain(in, path, "too many files")
                                              : read_entry(in, path, names[i]->d_name);
                r = one < 0 || r == 0 ? one : r;
        }
        *ret_named = named;
        return r;
}

static int read_folder(const struct certfile *in, const char *path)
{
        struct dirent **names;
        int named = 0, count = scandir(path, &names, NULL, by_bytes);
        if (count < 0)
                return errno == ENOMEM ? -ENOMEM : certfile_complain(in, path, strerror(errno));
        int r = read_entries(in, path, names, count, &named);
        for (int i = 0; i < count; i++)
                free(names[i]);
        free(names);
        return r == 0 && named == 0 && !in->may_lack
                       ? certfile_complain(in, path, kind_of(in)->what)
                       : r;
}

int certfile_read(const struct certfile *in, const char *path)
{
        struct stat st;
        if (stat(path, &st) < 0)
                return errno == ENOENT && in->may_lack
                               ? 0
                               : certfile_complain(in, path, strerror(errno));
        if (!S_ISDIR(st.st_mode))
                return read_file(in, path);
        const char *wrong = in->guarded ? certfile_unguarded(&st) : NULL;
        return wrong ? certfile_complain(in, path, wrong) : read_folder(in, path);
}
