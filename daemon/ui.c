/* SPDX-License-Identifier: Apache-2.0 */
/* ui.c: see ui.h.
 *
 * What is said here ends up as the environment and the options of a pinentry program, so each member
 * has a narrow shape. A terminal must be a real one and belong to the caller: nobody may have a prompt
 * put on another's terminal. It is looked at without being opened, since opening a terminal can have
 * effects of its own.
 *
 * Who makes a display, or the other end of a terminal, can answer what is asked there. An app in a sandbox could: by TCP, by an
 * abstract socket, by a socket in a folder that it shares, and by a terminal where it has the devices. It shall not
 * agree in its person's stead, which other programs of the user can by many ways. So it is asked about where the session is, as
 * our own environment says; it does not know the names of that from inside anyway.
 */
#include "daemon/ui.h"

#include <ctype.h>
#include <sys/stat.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool rest_is(const char *text, const char *prefix, const char *alphabet)
{
        size_t len = strlen(prefix);
        return strncmp(text, prefix, len) == 0 && text[len] &&
               strspn(text + len, alphabet) == strlen(text + len);
}

static bool is_tty_path(const char *text)
{
        return rest_is(text, "/dev/pts/", "0123456789") || rest_is(text, "/dev/tty", ALNUM);
}

static bool is_term(const char *text)
{
        return rest_is(text, "", ALNUM "+-._");
}

static bool is_display(const char *text)
{
        return rest_is(text, "", ALNUM ":.-_/@[]");
}

static bool is_file(const char *text)
{
        return text[0] == '/' && param_printable(text);
}

static bool is_language(const char *text)
{
        return strcmp(text, "fa") == 0 || strcmp(text, "en") == 0;
}

const struct param ui_params[] = {
        { .name = "tty", .min = 1, .max = 64, .valid = is_tty_path },
        { .name = "term", .min = 1, .max = 64, .valid = is_term },
        { .name = "display", .min = 1, .max = 128, .valid = is_display },
        { .name = "wayland_display", .min = 1, .max = 107, .valid = is_display },
        { .name = "xauthority", .min = 2, .max = 512, .valid = is_file },
        { .name = "language", .min = 2, .max = 2, .valid = is_language },
        { 0 },
};

static bool tty_belongs_to(const char *path, uid_t uid)
{
        struct stat st;
        return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_uid == uid;
}

static const char *member(json_t *json, const char *name)
{
        return json_string_value(json_object_get(json, name)); /* NULL for absent and null */
}

static void put_into_session(struct person_ui *ui)
{
        *ui = (struct person_ui){
                .display = getenv("DISPLAY"),
                .wayland_display = getenv("WAYLAND_DISPLAY"),
                .xauthority = getenv("XAUTHORITY"),
                .language = ui->language,
        };
}

bool ui_read(struct person_ui *ret, json_t *json, const struct peer *peer)
{
        struct person_ui ui = {
                .tty = member(json, "tty"),
                .term = member(json, "term"),
                .display = member(json, "display"),
                .wayland_display = member(json, "wayland_display"),
                .xauthority = member(json, "xauthority"),
                .language = member(json, "language"),
        };
        if (ui.tty && !tty_belongs_to(ui.tty, peer->uid))
                return false;
        if (peer->sandbox == PEER_IS_CONFINED)
                put_into_session(&ui);
        *ret = ui;
        return true;
}
