/* SPDX-License-Identifier: Apache-2.0 */
/* config_load.c: defaults, environment, files, arguments, in that order of growing strength.
 *
 * Which files there are depends on the arguments and on the environment alone; nothing read from a
 * file can name another file to read. A variable of the XDG base directory specification that is no
 * absolute path counts as not set, as that specification asks. Who can write to a file names the
 * program that asks for the PIN: so it must be the user's own or root's, and not everybody's. Whether it is
 * root's word (config.h) is told by the open file and by the folder that was searched, never by its name.
 */
#include "daemon/config.h"
#include "daemon/config_internal.h"

#include "base/file.h"
#include "base/outcome.h"
#include "client-sdk/link/link.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define SYSTEM_FOLDER "/etc/mohr"
#define DROP_INS_MAX  64
#define HELPER        "mohr-prompt" /* every daemon needs it, whatever its drivers */

struct loader {
        struct config *config;
        bool roots_place; /* a file found here can be root's word */
        char *error;
        size_t error_cap;
};

_printf_(2, 3) static int refuse(const struct loader *loader, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(loader->error, loader->error_cap, format, args);
        va_end(args);
        return OUTCOME_USAGE;
}

_printf_(2, 3) static int set_text(char **slot, const char *format, ...)
{
        char *text;
        va_list args;
        va_start(args, format);
        int r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0)
                return -ENOMEM;
        free(*slot);
        *slot = text;
        return 0;
}

static const char *env_path(const char *name)
{
        const char *value = getenv(name);
        return value && value[0] == '/' ? value : NULL;
}

/* dir/suffix under an XDG variable, or under HOME/fallback; *slot stays NULL if neither is set. */
static int set_xdg(char **slot, const char *variable, const char *fallback, const char *suffix)
{
        const char *dir = env_path(variable), *home = fallback ? env_path("HOME") : NULL;
        if (dir)
                return set_text(slot, "%s/%s", dir, suffix);
        return home ? set_text(slot, "%s/%s/%s", home, fallback, suffix) : 0;
}

static int set_libexecdir(struct config *config)
{
        char self[4096];
        _cleanup_free_ char *helper = NULL;
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        char *slash = NULL;
        if (len > 0) {
                self[len] = 0;
                slash = strrchr(self, '/');
        }
        if (slash) {
                *slash = 0;
                int r = set_text(&helper, "%s/" HELPER, self);
                if (r < 0)
                        return r;
        }
        bool beside = helper && access(helper, X_OK) == 0;
        return set_text(&config->libexecdir, "%s", beside ? self : MOHR_LIBEXECDIR);
}

static int set_defaults(struct config *config)
{
        config->pinpad = true;
        config->store = true;
        config->prompt_timeout_s = 120;
        config->card_timeout_ms = 8000;
        config->log_level = LOG_LEVEL_INFO;
        config_settle_limits(config);
        config->usb_fd = -1;
        config->relay.port = LINK_PORT;
        config->relay.publish = true;
        int r = config_add_driver(config, "pcsc", strlen("pcsc"));
        if (r == 0)
                r = config_add_driver(config, "phone", strlen("phone"));
        if (r == 0)
                r = set_text(&config->pinentry, "pinentry");
        if (r == 0)
                r = set_xdg(&config->socket, "XDG_RUNTIME_DIR", NULL, "mohr/mohr.sock");
        if (r == 0)
                r = set_xdg(&config->state_dir, "XDG_STATE_HOME", ".local/state", "mohr");
        if (r == 0 && getenv("MOHR_SOCKET"))
                r = set_text(&config->socket, "%s", getenv("MOHR_SOCKET"));
        return r == 0 ? set_libexecdir(config) : r;
}

static bool only_roots(const struct stat *st)
{
        return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static enum config_origin origin_of(const struct loader *loader, const struct stat *st)
{
        return loader->roots_place && only_roots(st) ? CONFIG_ROOTS : CONFIG_USERS;
}

/* In a folder that somebody else may write to, a name can be a link to any file of root's. */
static struct loader in_folder(const struct loader *loader, const char *folder)
{
        struct loader here = *loader;
        struct stat st;
        here.roots_place &= stat(folder, &st) == 0 && only_roots(&st);
        return here;
}

/* ENOENT of a link that leads nowhere is none: whoever made it meant what is not there. */
static bool is_absent(int error, const char *path)
{
        struct stat st;
        return error == ENOENT && lstat(path, &st) < 0 && errno == ENOENT;
}

static int load_file(const struct loader *loader, const char *path, bool must_exist)
{
        struct stat st;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int error = errno;
        if (fd < 0 && !must_exist && is_absent(error, path))
                return 0;
        if (fd < 0)
                return refuse(loader, "%s: %s", path, strerror(error));
        if (fstat(fd, &st) < 0)
                return refuse(loader, "%s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return refuse(loader, "%s: not a file", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return refuse(
                        loader, "%s: it belongs to another user, not to root or to this one", path);
        if (st.st_mode & S_IWOTH)
                return refuse(loader, "%s: everybody may write to it; chmod o-w", path);
        _cleanup_free_ char *text = malloc(CONFIG_FILE_MAX + 1);
        if (!text)
                return -ENOMEM;
        /* One byte more than is allowed, so that the parser can say that it is too long. */
        ssize_t len = file_read_upto(fd, text, CONFIG_FILE_MAX + 1);
        if (len < 0)
                return refuse(loader, "%s: %s", path, strerror((int)-len));
        return config_parse(loader->config, origin_of(loader, &st), text, (size_t)len, path,
                loader->error, loader->error_cap);
}

static int is_drop_in(const struct dirent *entry)
{
        size_t len = strlen(entry->d_name);
        return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_drop_ins(const struct loader *loader, const char *folder)
{
        const struct loader here = in_folder(loader, folder);
        struct dirent **names;
        int count = scandir(folder, &names, is_drop_in, by_bytes), error = errno;
        if (count < 0)
                return is_absent(error, folder) ? 0
                                                : refuse(loader, "%s: %s", folder, strerror(error));
        int r = count > DROP_INS_MAX
                        ? refuse(loader, "%s: more than %d files", folder, DROP_INS_MAX)
                        : 0;
        for (int i = 0; i < count; i++) {
                _cleanup_free_ char *path = NULL;
                if (r == 0)
                        r = set_text(&path, "%s/%s", folder, names[i]->d_name);
                if (r == 0)
                        r = load_file(&here, path, true);
                free(names[i]);
        }
        free(names);
        return r;
}

static int load_named_file(const struct loader *loader, const char *path)
{
        _cleanup_free_ char *folder = NULL;
        int r = set_text(&folder, "%s.d", path);
        if (r == 0)
                r = load_file(loader, path, true);
        return r == 0 ? load_drop_ins(loader, folder) : r;
}

/* A folder of configuration: mohr.conf, then conf.d. Each may be absent. */
static int load_usual_folder(const struct loader *loader, const char *folder)
{
        struct stat st;
        const struct loader here = in_folder(loader, folder);
        _cleanup_free_ char *path = NULL, *drop_ins = NULL;
        if (stat(folder, &st) < 0 && !is_absent(errno, folder))
                return refuse(loader, "%s: %s", folder, strerror(errno));
        int r = set_text(&path, "%s/mohr.conf", folder);
        if (r == 0)
                r = set_text(&drop_ins, "%s/conf.d", folder);
        if (r == 0)
                r = load_file(&here, path, false);
        return r == 0 ? load_drop_ins(&here, drop_ins) : r;
}

static int load_usual_files(struct loader *loader)
{
        _cleanup_free_ char *own = NULL;
        int r = load_usual_folder(loader, SYSTEM_FOLDER);
        loader->roots_place = false;
        if (r == 0)
                r = set_xdg(&own, "XDG_CONFIG_HOME", ".config", "mohr");
        return r == 0 && own ? load_usual_folder(loader, own) : r;
}

struct arguments {
        const char *config, *socket, *usb_fd;
        const char *drivers[CONFIG_DRIVERS_MAX];
        size_t driver_count;
};

static int take_argument(
        const struct loader *loader, struct arguments *args, const char *name, const char *value)
{
        bool known = strcmp(name, "--config") == 0 || strcmp(name, "--socket") == 0 ||
                     strcmp(name, "--driver") == 0 || strcmp(name, "--usb-fd") == 0;
        if (known && (!value || !*value))
                return refuse(loader, "%s wants a value; try --help", name);
        if (strcmp(name, "--config") == 0)
                args->config = value;
        else if (strcmp(name, "--socket") == 0)
                args->socket = value;
        else if (strcmp(name, "--usb-fd") == 0)
                args->usb_fd = value;
        else if (strcmp(name, "--driver") == 0 && args->driver_count < CONFIG_DRIVERS_MAX)
                args->drivers[args->driver_count++] = value;
        else
                return refuse(loader, "unknown argument \"%.40s\"; try --help", name);
        return 0;
}

/* "--name value" and "--name=value". */
static int read_arguments(
        const struct loader *loader, int argc, char *const *argv, struct arguments *args)
{
        int r = 0;
        for (int i = 1; i < argc && r == 0; i++) {
                const char *equals = strchr(argv[i], '=');
                _cleanup_free_ char *name =
                        strndup(argv[i], equals ? (size_t)(equals - argv[i]) : strlen(argv[i]));
                const char *value = equals ? equals + 1 : argv[i + 1]; /* argv ends with NULL */
                if (!name)
                        return -ENOMEM;
                i += !equals && value;
                r = take_argument(loader, args, name, value);
        }
        return r;
}

/* An open descriptor that nobody else means by this number: not 0 to 2. */
static int take_usb_fd(const struct loader *loader, const char *value)
{
        char *end;
        errno = 0;
        long fd = strtol(value, &end, 10);
        if (errno || end == value || *end || fd < 3 || fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)
                return refuse(loader, "--usb-fd %.40s: not an open descriptor over 2", value);
        loader->config->usb_fd = (int)fd;
        int r = config_add_driver(loader->config, "usb", strlen("usb"));
        return r < 0 ? r : 0; /* asked for already is as good */
}

static int take_place(
        const struct loader *loader, const char *driver, size_t len, const char *address)
{
        struct config *config = loader->config;
        struct config_at *at = &config->at[config->at_count];
        bool direct = (len == 3 && memcmp(driver, "usb", 3) == 0) ||
                      (len == 3 && memcmp(driver, "nfc", 3) == 0);
        if (!direct || !*address || strlen(address) >= sizeof at->address)
                return refuse(loader, "--driver %.40s: only usb and nfc take an address", driver);
        memcpy(at->driver, driver, len);
        memcpy(at->address, address, strlen(address));
        config->at_count++;
        return 0;
}

/* "usb", or "usb=ADDRESS" where nobody is to look for its readers. */
static int take_driver(const struct loader *loader, const char *value)
{
        size_t len = strcspn(value, "=");
        int r = config_add_driver(loader->config, value, len);
        if (r > 0)
                return refuse(loader, "--driver %.40s: " CONFIG_WANT_DRIVERS, value);
        return r == 0 && value[len] ? take_place(loader, value, len, value + len + 1) : r;
}

static int apply_arguments(const struct loader *loader, const struct arguments *args)
{
        struct config *config = loader->config;
        int r = args->socket ? set_text(&config->socket, "%s", args->socket) : 0;
        if (args->driver_count)
                config_clear_list(config->drivers);
        for (size_t i = 0; i < args->driver_count && r == 0; i++)
                r = take_driver(loader, args->drivers[i]);
        if (r == 0 && args->usb_fd)
                r = take_usb_fd(loader, args->usb_fd);
        return r;
}

/* What was meant for the software card must not reach a daemon that was not asked for it. */
static void drop_soft_unless_asked(struct config *config)
{
        for (char **d = config->drivers; *d; d++)
                if (strcmp(*d, "soft") == 0)
                        return;
        config_clear_list(config->soft);
}

/* Where pairings are kept unless [phone] says otherwise, as client-sdk/link/store.h has it. */
static int settle_phones(struct config *config)
{
        _cleanup_free_ char *option = NULL;
        for (char **set = config->phone; *set; set++)
                if (strncmp(*set, "folder=", strlen("folder=")) == 0)
                        return 0;
        _cleanup_free_ char *folder = NULL;
        int r = set_xdg(&folder, "XDG_DATA_HOME", ".local/share", "mohr/phones");
        if (r == 0 && folder)
                r = set_text(&option, "folder=%s", folder);
        if (r == 0 && option)
                r = config_list_add(config->phone, CONFIG_OPTIONS_MAX, option, strlen(option));
        return r < 0 ? r : 0; /* no room for it: then phones have no place, and there are none */
}

int config_load(struct config **ret, int argc, char *const *argv, char *error, size_t error_cap)
{
        _cleanup_config_ struct config *config = calloc(1, sizeof *config);
        if (!config)
                return -ENOMEM;
        struct loader loader = { config, true, error, error_cap };
        struct arguments args = { 0 };
        int r = set_defaults(config);
        if (r == 0)
                r = read_arguments(&loader, argc, argv, &args);
        if (r == 0)
                r = args.config ? load_named_file(&loader, args.config) : load_usual_files(&loader);
        if (r == 0)
                r = apply_arguments(&loader, &args);
        if (r != 0)
                return r;
        drop_soft_unless_asked(config);
        r = settle_phones(config);
        if (r != 0)
                return r;
        *ret = config;
        config = NULL;
        return 0;
}
