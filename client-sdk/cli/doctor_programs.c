/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_programs.c: looks at what other programs need to find Mohr: the PKCS#11 module, and browsers that are shut away from it.
 *
 * A browser in a Snap or a Flatpak has a file system of its own, in which no module of this computer is: nothing that
 * is set there can change it.
 */
#include "client-sdk/cli/doctor.h"

struct finding look_at_module(struct examination *e)
{
        static const char *const modules[] = { "/usr/lib/x86_64-linux-gnu/pkcs11/mohr-pkcs11.so",
                "/usr/lib/aarch64-linux-gnu/pkcs11/mohr-pkcs11.so",
                "/usr/lib/pkcs11/mohr-pkcs11.so", "/usr/local/lib/pkcs11/mohr-pkcs11.so" };
        static const char *const registrations[] = { "/usr/share/p11-kit/modules/mohr.module",
                "/usr/local/share/p11-kit/modules/mohr.module" };
        struct stat st;
        bool there = false, registered = false;
        for (size_t i = 0; i < ARRAY_LEN(modules); i++)
                there = there || place_is(e, modules[i], &st);
        for (size_t i = 0; i < ARRAY_LEN(registrations); i++)
                registered = registered || place_is(e, registrations[i], &st);
        if (there && registered)
                return (struct finding){
                        .text = N_("Other programs find the card by p11-kit (PKCS#11).")
                };
        return (struct finding){ .outcome = OUTCOME_USAGE,
                .advice = true,
                .text = there ? N_("The PKCS#11 module is there, but p11-kit does not know it: "
                                   "browsers and "
                                   "ssh do not find the card by themselves.")
                              : N_("The PKCS#11 module is not installed. Browsers, ssh and such "
                                   "need it; "
                                   "Mohr's own programs do not."),
                .next = N_("If they are to use the card:"),
                .command = there ? "sudo apt install --reinstall mohr-pkcs11"
                                 : "sudo apt install mohr-pkcs11" };
}

static const struct browser {
        const char *name, *snap, *flatpak, *command;
} browsers[] = {
        { "Firefox", "firefox", "org.mozilla.firefox", "sudo apt install firefox-esr" },
        { "Chromium", "chromium", "org.chromium.Chromium", "sudo apt install chromium" },
        { "Chrome", NULL, "com.google.Chrome", "sudo apt install chromium" },
        { "Thunderbird", "thunderbird", "org.mozilla.Thunderbird", "sudo apt install thunderbird" },
};

static bool is_there(const struct examination *e, const char *folder, const char *name)
{
        char path[PATH_MAX];
        struct stat st;
        int len = name ? snprintf(path, sizeof path, "%s/%s", folder, name) : 0;
        return len > 0 && len < PATH_MAX && place_is(e, path, &st);
}

/* How it is shut in, or NULL. */
static const char *sandbox_of(const struct examination *e, const struct browser *browser)
{
        char own[PATH_MAX];
        const char *home = getenv("HOME");
        int len = snprintf(own, sizeof own, "%s/.local/share/flatpak/app", home ? home : "");
        if (is_there(e, "/snap", browser->snap) ||
                is_there(e, "/var/lib/snapd/snap", browser->snap))
                return "Snap";
        if (is_there(e, "/var/lib/flatpak/app", browser->flatpak) ||
                (len > 0 && len < PATH_MAX && is_there(e, own, browser->flatpak)))
                return "Flatpak";
        return NULL;
}

struct finding look_at_browsers(struct examination *e)
{
        for (size_t i = 0; i < ARRAY_LEN(browsers); i++) {
                const char *sandbox = sandbox_of(e, &browsers[i]);
                if (!sandbox)
                        continue;
                snprintf(e->shown, sizeof e->shown, "%s (%s)", browsers[i].name, sandbox);
                return (struct finding){ .outcome = OUTCOME_USAGE,
                        .advice = true,
                        .text = N_("A browser is installed as a Snap or Flatpak. Shut in like that "
                                   "it cannot "
                                   "load a PKCS#11 module, whatever is set in it."),
                        .next = N_("For logging in with the card use the one of the distribution:"),
                        .command = browsers[i].command,
                        .data = e->shown };
        }
        return (struct finding){
                .text = N_("No browser is kept from the card by a Snap or Flatpak.")
        };
}
