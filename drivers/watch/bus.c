/* SPDX-License-Identifier: Apache-2.0 */
/* bus.c: see bus.h. Everything with a fixed size: a machine has no more ports than fit, and what a device
 * that claims otherwise brings is left out.
 *
 * An entry is a device, or an interface that may be a reader; a reader is an entry that `driver` may
 * offer, together with the device it belongs to. For nfc that is the device itself, for usb an interface.
 * An address names a bus number that is never given twice in a row: when the device behind a path was
 * numbered anew without having been announced as gone, it counts as a new arrival.
 */
#include "drivers/watch/bus.h"

#include "base/text.h"

#include <stdio.h>

#define ENTRIES_MAX  256
#define CLASS_CCID   0x0B
#define CLASS_VENDOR 0xFF

struct entry {
        struct facts facts; /* FACTS_OTHER: free */
        uint32_t arrival, events;
        char name[sizeof((struct driver_reader *)0)->name]; /* "" until it was listed */
};

struct bus {
        enum table_driver driver;
        uint32_t arrivals;
        struct entry entries[ENTRIES_MAX];
};

int bus_new(struct bus **ret, enum table_driver driver)
{
        struct bus *bus = calloc(1, sizeof *bus);
        if (!bus)
                return -ENOMEM;
        bus->driver = driver;
        *ret = bus;
        return 0;
}

struct bus *bus_free(struct bus *bus)
{
        free(bus);
        return NULL;
}

static struct entry *find(struct bus *bus, const char *path)
{
        for (size_t i = 0; i < ENTRIES_MAX; i++)
                if (bus->entries[i].facts.kind != FACTS_OTHER &&
                        strcmp(bus->entries[i].facts.path, path) == 0)
                        return &bus->entries[i];
        return NULL;
}

static struct entry *find_free(struct bus *bus)
{
        for (size_t i = 0; i < ENTRIES_MAX; i++)
                if (bus->entries[i].facts.kind == FACTS_OTHER)
                        return &bus->entries[i];
        return NULL;
}

/* Interfaces of other classes (keyboards, disks) are nobody's business here. */
static bool worth_keeping(const struct bus *bus, const struct facts *facts)
{
        if (facts->kind == FACTS_DEVICE)
                return true;
        return facts->kind == FACTS_INTERFACE && bus->driver == TABLE_USB &&
               (facts->class == CLASS_CCID || facts->class == CLASS_VENDOR);
}

void bus_put(struct bus *bus, const struct facts *facts)
{
        if (!worth_keeping(bus, facts))
                return;
        struct entry *entry = find(bus, facts->path);
        bool same = entry && entry->facts.kind == facts->kind &&
                    strcmp(entry->facts.node, facts->node) == 0;
        if (same) {
                entry->events += entry->facts.held != facts->held;
                entry->facts.held = facts->held;
                return;
        }
        if (entry)
                bus_remove(bus, facts->path);
        entry = find_free(bus);
        if (entry)
                *entry = (struct entry){ .facts = *facts, .arrival = ++bus->arrivals };
}

static bool below(const char *path, const char *parent)
{
        size_t len = strlen(parent);
        return strncmp(path, parent, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

void bus_remove(struct bus *bus, const char *path)
{
        for (size_t i = 0; i < ENTRIES_MAX; i++)
                if (bus->entries[i].facts.kind != FACTS_OTHER &&
                        below(bus->entries[i].facts.path, path))
                        memset(&bus->entries[i], 0, sizeof bus->entries[i]);
}

static const struct facts *device_of(struct bus *bus, const struct entry *entry)
{
        char parent[FACTS_PATH];
        memcpy(parent, entry->facts.path, sizeof parent);
        char *slash = strrchr(parent, '/');
        if (entry->facts.kind == FACTS_DEVICE || !slash)
                return &entry->facts;
        *slash = '\0';
        const struct entry *found = find(bus, parent);
        return found && found->facts.kind == FACTS_DEVICE ? &found->facts : NULL;
}

/* The rule of bus.h: a row decides, else the class does. */
static bool offered(const struct bus *bus, const struct entry *entry, const struct facts *device)
{
        const struct table_row *row = table_find(device->vendor, device->product);
        if (bus->driver == TABLE_NFC)
                return row && row->driver == TABLE_NFC;
        if (entry->facts.kind != FACTS_INTERFACE)
                return false;
        return row ? row->driver == TABLE_USB : entry->facts.class == CLASS_CCID;
}

static bool name_taken(const struct bus *bus, const char *name)
{
        for (size_t i = 0; i < ENTRIES_MAX; i++)
                if (bus->entries[i].facts.kind != FACTS_OTHER &&
                        strcmp(bus->entries[i].name, name) == 0)
                        return true;
        return false;
}

static void compose(const struct entry *entry, const struct facts *device, const char *which,
        unsigned int copy, char *name, size_t cap)
{
        const struct table_row *row = table_find(device->vendor, device->product);
        char number[16] = "", again[16] = "";
        if (entry->facts.kind == FACTS_INTERFACE)
                snprintf(number, sizeof number, " %02u", entry->facts.number);
        if (copy > 1)
                snprintf(again, sizeof again, " #%u", copy);
        snprintf(name, cap, "%s (%s)%s%s", row ? row->name : device->label, which, number, again);
}

/* A port is a reader's own; a serial number, or what looks like a port, may be anybody's invention. */
static void give_name(const struct bus *bus, struct entry *entry, const struct facts *device)
{
        const char *const which[] = { device->serial, device->port };
        char name[sizeof entry->name];
        bool taken = true;
        for (unsigned int copy = 1; taken && copy <= ENTRIES_MAX; copy++)
                for (size_t i = 0; taken && i < ARRAY_LEN(which); i++)
                        if (which[i][0] && (copy == 1 || i == ARRAY_LEN(which) - 1)) {
                                compose(entry, device, which[i], copy, name, sizeof name);
                                taken = name_taken(bus, name);
                        }
        memcpy(entry->name, name, sizeof name);
}

static void describe(const struct bus *bus, const struct entry *entry, const struct facts *device,
        struct driver_reader *ret)
{
        unsigned int bus_number = (unsigned int)strtoul(device->node + 13, NULL, 10);
        unsigned int number = (unsigned int)strtoul(device->node + 17, NULL, 10);
        memcpy(ret->name, entry->name, strlen(entry->name) + 1);
        ret->busy = entry->facts.held;
        ret->events = entry->events;
        if (bus->driver == TABLE_NFC)
                snprintf(ret->address, sizeof ret->address, "pn53x_usb:%03u:%03u", bus_number,
                        number);
        else
                snprintf(ret->address, sizeof ret->address, "%s:%u:0", device->node,
                        entry->facts.number);
}

/* The first entry that arrived after `arrival`. */
static struct entry *next_entry(struct bus *bus, uint32_t arrival)
{
        struct entry *next = NULL;
        for (size_t i = 0; i < ENTRIES_MAX; i++) {
                struct entry *entry = &bus->entries[i];
                if (entry->facts.kind != FACTS_OTHER && entry->arrival > arrival &&
                        (!next || entry->arrival < next->arrival))
                        next = entry;
        }
        return next;
}

size_t bus_list(struct bus *bus, struct driver_reader *ret, size_t cap)
{
        size_t count = 0;
        memset(ret, 0, cap * sizeof *ret);
        for (struct entry *entry = next_entry(bus, 0); entry && count < cap;
                entry = next_entry(bus, entry->arrival)) {
                const struct facts *device = device_of(bus, entry);
                if (!device || !offered(bus, entry, device))
                        continue;
                if (!entry->name[0])
                        give_name(bus, entry, device);
                describe(bus, entry, device, &ret[count++]);
        }
        return count;
}
