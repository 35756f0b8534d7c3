/* SPDX-License-Identifier: Apache-2.0 */
/* support_parts.c: findings, versions, readers and units, each without what is somebody's own.
 *
 * Of a finding goes along what our code says, and data only of checks whose data is a program's or a module's.
 * A reader's name may carry its serial number: runs of digits are left out of it.
 */
#include "client-sdk/cli/doctor.h"
#include "client-sdk/cli/support.h"

#include "base/text.h"
#include "client-sdk/assertion.h"
#include "client-sdk/client.h"

#include <sys/utsname.h>

#define UNITS_MAX (64 * 1024)

/* ---- findings ------------------------------------------------------------------------------ */

static bool data_goes_along(const char *check)
{
        static const char *const checks[] = { "pinentry", "kernel", "version", "browsers", "root" };
        for (size_t i = 0; i < ARRAY_LEN(checks); i++)
                if (strcmp(checks[i], check) == 0)
                        return true;
        return false;
}

void support_doctor(struct redacted *to)
{
        int outcome = 0;
        size_t index;
        json_t *finding;
        _cleanup_json_ json_t *findings = doctor_examine(NULL, NULL, NULL, &outcome);
        json_array_foreach (findings, index, finding) {
                const char *check = json_string_value(json_object_get(finding, "check"));
                if (check && !data_goes_along(check))
                        json_object_del(finding, "data");
        }
        _cleanup_free_ char *text = findings ? json_dumps(findings, JSON_INDENT(2)) : NULL;
        redact_add(to, "%s\n", text ? text : "[]");
}

/* ---- versions ------------------------------------------------------------------------------ */

static bool is_of_interest(const char *package)
{
        static const char *const whole[] = { "pcscd", "libpcsclite1", "libccid", "libusb-1.0-0",
                "libnfc6", "systemd", "polkitd", "p11-kit", "opensc", "opensc-pkcs11", "openssl",
                "libssl3", "libssl3t64", "scdaemon", "gnupg", "firefox-esr", "chromium",
                "dbus-user-session", "libqpdf29", "libqpdf30" };
        static const char *const beginnings[] = { "mohr", "libmohr", "pinentry-" };
        for (size_t i = 0; i < ARRAY_LEN(whole); i++)
                if (strcmp(package, whole[i]) == 0)
                        return true;
        for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
                if (strncmp(package, beginnings[i], strlen(beginnings[i])) == 0)
                        return true;
        return false;
}

/* Fields of dpkg's list, one a line; a package's begin with its name. */
static void add_packages(struct redacted *to)
{
        char package[128] = "";
        _cleanup_free_ char *line = NULL;
        size_t cap = 0;
        FILE *file = fopen("/var/lib/dpkg/status", "re");
        while (file && getline(&line, &cap, file) >= 0) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, "Package: ", 9) == 0)
                        snprintf(package, sizeof package, "%s", line + 9);
                if (strncmp(line, "Version: ", 9) == 0 && is_of_interest(package))
                        redact_add(to, "%s %s\n", package, line + 9);
        }
        if (file)
                fclose(file);
}

static void add_distribution(struct redacted *to)
{
        static const char key[] = "PRETTY_NAME=";
        char line[256];
        FILE *file = fopen("/etc/os-release", "re");
        while (file && fgets(line, sizeof line, file))
                if (strncmp(line, key, sizeof key - 1) == 0)
                        redact_add(to, "%s", line + sizeof key - 1);
        if (file)
                fclose(file);
}

void support_versions(struct redacted *to)
{
        struct utsname system;
        redact_add(to, "mohr %s\n", MOHR_VERSION);
        if (uname(&system) == 0)
                redact_add(to, "%s %s %s\n", system.sysname, system.release, system.machine);
        add_distribution(to);
        add_packages(to);
}

/* ---- readers ------------------------------------------------------------------------------- */

static const char *member(const json_t *row, const char *name)
{
        const char *text = json_string_value(json_object_get(row, name));
        return text ? text : "-";
}

static void add_readers(struct redacted *to, const json_t *status)
{
        size_t index;
        json_t *row;
        json_array_foreach (json_object_get(status, "backends"), index, row)
                redact_add(to, "driver %s: %s\n", member(row, "driver"), member(row, "state"));
        json_array_foreach (json_object_get(status, "readers"), index, row) {
                char name[256];
                text_sanitize(name, sizeof name, member(row, "name"), SIZE_MAX);
                redact_digits(name);
                redact_add(to, "reader \"%s\" by %s: %s, %s%s\n", name, member(row, "driver"),
                        member(row, "state"), member(row, "why"),
                        json_is_true(json_object_get(row, "simulated")) ? ", simulated" : "");
        }
}

void support_readers(struct redacted *to)
{
        _cleanup_client_ struct mohr_client *client = NULL;
        _cleanup_free_ char *json = NULL;
        int r = mohr_client_connect(&client, NULL);
        if (r == 0)
                r = mohr_client_status(client, &json);
        _cleanup_json_ json_t *status = r == 0 ? json_loads(json, 0, NULL) : NULL;
        if (status)
                add_readers(to, status);
        else
                redact_add(to, "mohrd cannot be reached.\n");
}

/* ---- units --------------------------------------------------------------------------------- */

static void add_units(struct redacted *to, const char *const *argv)
{
        _cleanup_free_ char *text = malloc(UNITS_MAX);
        if (!text || !support_run(argv, text, UNITS_MAX)) {
                redact_add(to, "systemd could not be asked.\n");
                return;
        }
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (!*line || redact_is_state(line))
                        redact_add(to, "%s\n", line);
}

#define STATES                                                                                     \
        "--property=Id,LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,"             \
        "ExecMainStatus"

void support_units(struct redacted *to)
{
        static const char *const own[] = { "systemctl", "--user", "--no-pager", "show", STATES,
                "mohrd.socket", "mohrd.service", NULL };
        static const char *const computer[] = { "systemctl", "--no-pager", "show", STATES,
                "pcscd.socket", "pcscd.service", "polkit.service", NULL };
        redact_add(to, "# of this user\n");
        add_units(to, own);
        redact_add(to, "# of this computer\n");
        add_units(to, computer);
}
