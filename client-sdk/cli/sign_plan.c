/* SPDX-License-Identifier: Apache-2.0 */
/* sign_plan.c: which form each file gets, where its result goes, and whether that is done already: all of it before anybody is asked.
 *
 * A name that is taken stops everything, unless it was said to replace it, or to go on where a batch was interrupted: then a result
 * for this very content is left as it is, and one for another content is still in the way.
 */
#include "client-sdk/cli/sign.h"

#include "client-sdk/fields.h"

#include <fcntl.h>
#include <sys/stat.h>

#define START_MAX      1024
#define NAME_BYTES_MAX 128 /* of mohr.Documents */

static const struct {
        const char *name, *suffix;
} forms[] = {
        [SIGN_BY_CONTENT] = { "", "" },
        [SIGN_CMS] = { "cms", ".p7s" },
        [SIGN_ATTACHED] = { "cms-attached", ".p7m" },
        [SIGN_PDF] = { "pdf", "-signed.pdf" },
        [SIGN_JWS] = { "jws", ".jws" },
        [SIGN_COUNTER] = { "countersignature", "" },
};

const char *sign_form_name(enum sign_form form)
{
        return forms[form].name;
}

void sign_item_clear(struct sign_item *item)
{
        if (item->from >= 0)
                close(item->from);
        place_swap(item, -1, NULL);
        free(item->out);
}

/* ---- the document -------------------------------------------------------------------------- */

static int refuse(const struct sign *sign, const struct sign_item *item, const char *why)
{
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 256];
        snprintf(line, sizeof line, "%s: %s", cli_text(sign->cli, text, item->file), why);
        return cli_report(sign->cli, OUTCOME_DOCUMENT, line, NULL);
}

static int open_document(const struct sign *sign, struct sign_item *item)
{
        struct stat st;
        item->from = open(item->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (item->from < 0 || fstat(item->from, &st) < 0)
                return cli_usage(sign->cli, "%s: %s", item->file, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return refuse(sign, item, _("this is no regular file"));
        item->mode = st.st_mode & 0666;
        item->size = (uint64_t)st.st_size;
        return 0;
}

static bool begins_as_pdf(int fd)
{
        char start[START_MAX];
        ssize_t n = pread(fd, start, sizeof start, 0);
        return n > 0 && memmem(start, (size_t)n, "%PDF-", 5);
}

static enum sign_form form_of(const struct sign *sign, const struct sign_item *item)
{
        if (sign->countersign > 0)
                return SIGN_COUNTER;
        if (sign->form != SIGN_BY_CONTENT)
                return sign->form;
        return begins_as_pdf(item->from) && !sign->add ? SIGN_PDF : SIGN_CMS;
}

/* ---- the result ---------------------------------------------------------------------------- */

static const char *last_name(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

/* "contract.pdf" becomes "contract-signed.pdf"; the other endings are added. */
static int name_result(const struct sign *sign, struct sign_item *item)
{
        const char *path = sign->out_dir ? last_name(item->file) : item->file;
        const char *suffix = forms[item->form].suffix, *dot = strrchr(last_name(path), '.');
        int len = (int)strlen(path);
        if (item->form == SIGN_PDF && dot && strcasecmp(dot, ".pdf") == 0)
                len -= 4;
        int n = asprintf(&item->out, "%s%s%.*s%s", sign->out_dir ? sign->out_dir : "",
                sign->out_dir ? "/" : "", len, path, suffix);
        return n < 0 ? -ENOMEM : 0;
}

static int choose_place(const struct sign *sign, struct sign_item *item)
{
        const char *own = sign->countersign ? item->file : sign->add;
        if (!sign->out && !(own && !sign->out_dir))
                return name_result(sign, item);
        item->out = strdup(sign->out ? sign->out : own);
        item->replace = !sign->out; /* it holds all that was there */
        return item->out ? 0 : -ENOMEM;
}

static bool same_place(const struct sign_item *item)
{
        struct stat document, place;
        return fstat(item->from, &document) == 0 && stat(item->out, &place) == 0 &&
               document.st_dev == place.st_dev && document.st_ino == place.st_ino;
}

/* A result for this content that is there from an earlier run. */
static int look_for_result(const struct sign *sign, struct sign_item *item)
{
        _cleanup_close_ int fd = open(item->out, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return cli_usage(sign->cli, "%s: %s", item->out, strerror(errno));
        int r = sign_belongs(item->form, fd, item->from, &item->present);
        if (r < 0)
                return cli_result(sign->cli, r, NULL);
        return item->present ? 0
                             : cli_usage(sign->cli,
                                       _("%s is there already and belongs to another content. "
                                         "--force replaces it."),
                                       item->out);
}

static int check_place(const struct sign *sign, struct sign_item *item)
{
        struct stat st;
        bool there = lstat(item->out, &st) == 0;
        if (there && !S_ISREG(st.st_mode))
                return cli_usage(
                        sign->cli, _("%s is no regular file, and is not written to."), item->out);
        if (there && item->form != SIGN_COUNTER && same_place(item))
                return cli_usage(sign->cli, _("%s is the document itself."), item->out);
        if (!there || item->replace)
                return 0;
        if (sign->resume)
                return look_for_result(sign, item);
        item->replace = sign->force;
        return sign->force ? 0
                           : cli_usage(sign->cli,
                                     _("%s is there already. --force replaces it, --resume goes on "
                                       "with what is not there yet."),
                                     item->out);
}

/* ---- all of them --------------------------------------------------------------------------- */

/* The holder is shown it. */
static int check_name(const struct sign *sign, const struct sign_item *item)
{
        char name[CLI_TEXT_MAX];
        const char *slash = strrchr(item->file, '/');
        return field_is_text(slash ? slash + 1 : item->file, NAME_BYTES_MAX)
                       ? 0
                       : cli_usage(sign->cli,
                                 _("%s: this name cannot be shown to the holder: it is longer than "
                                   "128 bytes, or has characters that are not seen. Give the file "
                                   "another name."),
                                 cli_text(sign->cli, name, item->file));
}

static int plan_one(const struct sign *sign, struct sign_item *item)
{
        int r = open_document(sign, item);
        if (r == 0)
                r = check_name(sign, item);
        if (r != 0)
                return r;
        item->form = form_of(sign, item);
        r = choose_place(sign, item);
        return r < 0 ? cli_result(sign->cli, r, NULL) : check_place(sign, item);
}

static int differ(const struct sign *sign)
{
        for (size_t i = 0; i < sign->count; i++)
                for (size_t j = 0; j < i; j++)
                        if (strcmp(sign->items[i].out, sign->items[j].out) == 0)
                                return cli_usage(sign->cli, _("Two results would be %s."),
                                        sign->items[i].out);
        return 0;
}

int sign_plan(struct sign *sign, char **files, size_t count)
{
        sign->items = calloc(count, sizeof *sign->items);
        if (!sign->items)
                return cli_result(sign->cli, -ENOMEM, NULL);
        for (size_t i = 0; i < count; i++)
                sign->items[i] = (struct sign_item){ .file = files[i], .from = -1, .to = -1 };
        sign->count = count;
        int r = 0;
        for (size_t i = 0; r == 0 && i < count; i++)
                r = plan_one(sign, &sign->items[i]);
        return r == 0 ? differ(sign) : r;
}
