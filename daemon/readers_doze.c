/* SPDX-License-Identifier: Apache-2.0 */
/* readers_doze.c: a backend of linked readers sleeps while nobody is paired: no process of its own, no place in the list
 * of backends, and one watch of the kernel's on the folder where a pairing will appear, or on the nearest folder above it
 * that is there. Who pairs a phone need not edit a file, and who has none pays for none.
 *
 * What a pairing is, is the watcher's to say (client-sdk/link/store.h); here a name that could be one is enough.
 */
#include "daemon/readers_internal.h"

#include <dirent.h>
#include <sys/inotify.h>

#define FOLDER "folder="
#define SUFFIX ".json"
#define NEWS   (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static const char *pairings(const struct backend *backend)
{
        char *const *option = config_options(backend->readers->config, backend->row->driver);
        for (; *option; option++)
                if (strncmp(*option, FOLDER, strlen(FOLDER)) == 0)
                        return *option + strlen(FOLDER);
        return NULL;
}

static bool could_be_pairing(const char *name)
{
        size_t len = strlen(name);
        return name[0] != '.' && len > strlen(SUFFIX) &&
               strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static void close_folder(DIR **folder)
{
        if (*folder)
                closedir(*folder);
}

static bool any_pairing(const char *path)
{
        _cleanup_(close_folder) DIR *folder = opendir(path);
        const struct dirent *entry;
        while (folder && (entry = readdir(folder)))
                if (could_be_pairing(entry->d_name))
                        return true;
        return false;
}

/* True of others, which have no need of any. */
bool backend_has_pairings(const struct backend *backend)
{
        const char *path = pairings(backend);
        return !backend->row->linked || (path && any_pairing(path));
}

/* From the loop, and not from here: the source cannot be given up inside its own call. */
static int on_news(sd_event_source *source, const struct inotify_event *event, void *user)
{
        (void)source, (void)event;
        struct backend *backend = user;
        if (!backend->paused)
                readers_arm(backend->restart, 0);
        return 0;
}

/* The folder itself, or the nearest one above it. */
static int watch_nearest(struct backend *backend, const char *path)
{
        _cleanup_free_ char *place = strdup(path);
        int r = place ? -ENOENT : -ENOMEM;
        while (r == -ENOENT && place[0] == '/') {
                r = sd_event_add_inotify(
                        backend->readers->event, &backend->doze, place, NEWS, on_news, backend);
                char *slash = strrchr(place, '/');
                if (place[1] == 0)
                        break;
                slash[slash == place] = 0; /* "/" stands above all */
        }
        return r;
}

void backend_end_doze(struct backend *backend)
{
        backend->doze = sd_event_source_disable_unref(backend->doze);
        backend->dozing = false;
}

static void fall_asleep(struct backend *backend)
{
        bool news = backend->running || !backend->spoken || !backend->dozing;
        backend->dozing = backend->spoken = true;
        backend->running = false;
        if (news)
                readers_changed(backend->readers);
}

bool backend_dozes(struct backend *backend)
{
        const char *path = pairings(backend);
        backend_end_doze(backend);
        if (backend_has_pairings(backend))
                return false;
        fall_asleep(backend);
        int r = path ? watch_nearest(backend, path) : 0;
        if (r < 0) {
                log_kv(backend->readers->log, LOG_LEVEL_WARNING, NULL,
                        "cannot watch for paired phones", "error", strerror(-r), NULL);
                readers_arm(backend->restart, RESTART_MAX_US);
        } else if (path && any_pairing(path)) { /* it came in between */
                readers_arm(backend->restart, 0);
        }
        return true;
}
