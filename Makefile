# SPDX-License-Identifier: Apache-2.0
# Mohr. `make` builds into build/; `make help` lists the rest. Every variable can be overridden.
# A new .c file in a room is picked up by its place; nothing here needs an edit for it.

VERSION    := 0.1.0
CC         ?= cc
AR         ?= ar
OBJCOPY    ?= objcopy
PKG_CONFIG ?= pkg-config
BUILD      ?= build
PREFIX     ?= /usr
LIBDIR     ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/libexec/mohr
LOCALEDIR  ?= $(PREFIX)/share/locale
NAMESDIR   ?= $(PREFIX)/lib/mohr/locale
SYSCONFDIR ?= /etc
DESTDIR    ?=
CFLAGS     ?= -O2 -g
WERROR     ?=
Q          := $(if $(V),,@)
say         = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$@)')

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wformat=2 -Wno-format-nonliteral $(if $(WERROR),-Werror)
# _FORTIFY_SOURCE hides from the sanitizers what they look for.
HARD = $(POSITION) $(if $(findstring sanitize,$(CFLAGS)),,-fstack-protector-strong -D_FORTIFY_SOURCE=2)
POSITION = -fPIE
# These make libmohr.so as well, which shows what mohr.h declares, and holds what that needs.
$(BUILD)/obj/client-sdk/%.o $(BUILD)/obj/base/%.o: POSITION = -fPIC -fvisibility=hidden -ffunction-sections
DEFS := -D_GNU_SOURCE -DMOHR_VERSION='"$(VERSION)"' -DMOHR_LIBEXECDIR='"$(LIBEXECDIR)"' \
        -DMOHR_LOCALEDIR='"$(LOCALEDIR)"' -DMOHR_NAMESDIR='"$(NAMESDIR)"'
ALL_CFLAGS = -std=c17 $(WARN) $(HARD) $(DEFS) -I. -MMD -MP $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(CFLAGS) $(LDFLAGS)

# Each library is asked for once, and only when something is compiled.
pkg = $(shell $(PKG_CONFIG) --libs $(1))
SSL_LIBS     = $(call pkg,libcrypto)
TLS_LIBS     = $(call pkg,libssl libcrypto)
JSON_LIBS    = $(call pkg,jansson)
ZLIB_LIBS    = $(call pkg,zlib)
SYSTEMD_LIBS = $(call pkg,libsystemd)
PCSC_LIBS    = $(call pkg,libpcsclite)
NFC_LIBS     = $(call pkg,libnfc)
USB_LIBS     = $(call pkg,libusb-1.0)
SECCOMP_LIBS = $(call pkg,libseccomp)
ASSUAN_LIBS  = $(call pkg,libassuan gpg-error)
QPDF_LIBS    = $(call pkg,libqpdf)
QR_LIBS      = $(call pkg,libqrencode)
PAGE_LIBS    = $(call pkg,pangocairo cairo libqrencode)
REDIS_LIBS   = $(call pkg,hiredis)
SQLITE_LIBS  = $(call pkg,sqlite3)
CMOCKA_LIBS  = $(call pkg,cmocka)
# Each by itself: not every machine has, or needs, all of them.
PKG_CFLAGS  := $(shell for p in libpcsclite libassuan libusb-1.0 libnfc libcrypto jansson zlib libseccomp sqlite3; do $(PKG_CONFIG) --cflags $$p 2>/dev/null; done)
CPPFLAGS    += $(PKG_CFLAGS)
# Where libsystemd is not, what it is called for by mohr-relay comes from here.
SYSTEMD     ?= $(shell $(PKG_CONFIG) --exists libsystemd 2>/dev/null && echo yes)
CPPFLAGS    += $(if $(SYSTEMD),,-Idaemon/portable)
# Only the room that draws; and what those headers convert without saying so is not ours to warn of.
$(BUILD)/obj/client-sdk/page/%.o: CPPFLAGS += $(PAGE_CFLAGS)
PAGE_CFLAGS  = $(subst -I,-isystem ,$(shell $(PKG_CONFIG) --cflags pangocairo cairo libqrencode))

.DEFAULT_GOAL := all

# The rooms. A main.c becomes a program; everything else in its folder is that room's archive.
objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1))))
A := $(BUILD)/lib
BASE     := $(A)/base.a
APDU     := $(A)/apdu.a
OPS      := $(A)/ops.a
PCSC     := $(A)/pcsc.a
HELPER   := $(A)/helper.a
SOFTCARD := $(A)/softcard.a
MOHR     := $(A)/libmohr.a
DAEMON   := $(A)/daemon.a
PROMPT   := $(A)/prompt.a
HISTORY  := $(A)/history.a
NFC      := $(A)/nfc.a
USB      := $(A)/usb.a
WATCH    := $(A)/watch.a
REDIS    := $(BUILD)/libmohr-redis.a
SONAME   := libmohr.so.$(firstword $(subst ., ,$(VERSION)))
SHARED   := $(BUILD)/libmohr.so.$(VERSION)
PAGE     := $(A)/page.a
LEDGER   := $(A)/ledger.a
DOCUMENT := $(A)/document.a
PKCS11   := $(A)/pkcs11.a
LINK     := $(A)/link.a
PHONE    := $(A)/phone.a
RELAY    := $(A)/relay.a
PORTABLE := $(A)/portable.a
CLI      := $(A)/cli.a
SESSION  := $(A)/session.a
MODULE   := $(BUILD)/mohr-pkcs11.so

$(BASE):     $(call objs,base/*.c)
$(APDU):     $(call objs,apdu/*.c)
$(OPS):      $(BUILD)/obj/drivers/ops.o
$(PCSC):     $(call objs,drivers/pcsc*.c)
$(HELPER):   $(call objs,drivers/helper/*.c)
$(SOFTCARD): $(call objs,drivers/softcard/*.c)
$(MOHR):     $(call objs,client-sdk/*.c)
# What only a session of systemd's has, apart.
ONLY_SYSTEMD := $(patsubst %,$(BUILD)/obj/daemon/%.o,listen seat)
$(DAEMON):   $(filter-out $(ONLY_SYSTEMD),$(call objs,daemon/*.c))
$(SESSION):  $(ONLY_SYSTEMD)
$(PROMPT):   $(call objs,daemon/prompt/*.c)
$(HISTORY):  $(call objs,daemon/history/*.c)
$(NFC):      $(call objs,drivers/nfc/*.c)
$(USB):      $(call objs,drivers/usb/*.c)
$(WATCH):    $(call objs,drivers/watch/*.c)
$(PAGE):     $(call objs,client-sdk/page/*.c)
$(LEDGER):   $(call objs,client-sdk/history/*.c)
$(DOCUMENT): $(call objs,client-sdk/document/*.c)
$(PKCS11):   $(call objs,client-sdk/pkcs11/*.c)
$(LINK):     $(call objs,client-sdk/link/*.c)
$(PHONE):    $(call objs,drivers/phone/*.c)
$(RELAY):    $(call objs,daemon/relay/*.c)
$(PORTABLE): $(call objs,daemon/portable/*.c)
# What mohr has for its commands, for those of another program.
$(CLI):      $(patsubst %,$(BUILD)/obj/client-sdk/cli/%.o,ask asked common dial input locale meeting output paired paired_list phone_listen phone_qr phone_talk program)

PROGRAMS := mohrd mohr mohr-prompt mohr-history mohr-page mohr-document mohr-reader mohr-reader-soft mohr-softcard
PROGRAMS += $(if $(wildcard drivers/reader-nfc/main.c),mohr-reader-nfc) \
            $(if $(wildcard drivers/reader-usb/main.c),mohr-reader-usb) \
            $(if $(wildcard drivers/reader-watch/main.c),mohr-watch) \
            $(if $(wildcard drivers/reader-phone/main.c),mohr-reader-phone) \
            $(if $(wildcard drivers/reader-phone-watch/main.c),mohr-watch-phone) \
            $(if $(wildcard daemon/relay/main.c),mohr-relay)
BIN := $(addprefix $(BUILD)/,$(PROGRAMS))
MO  := $(patsubst po/%.po,$(BUILD)/locale/%/LC_MESSAGES/mohr.mo,$(wildcard po/*.po))

# A locale for languages that a machine has none of (base/language.h).
NAMES := $(BUILD)/locale/names/fa/LC_MESSAGES/SYS_LC_MESSAGES
all: $(BIN) $(MO) $(NAMES) $(BUILD)/libmohr.a $(SHARED) $(REDIS) $(MODULE)

$(BUILD)/mohrd: $(BUILD)/obj/daemon/main.o $(BUILD)/obj/daemon/prompt/question.o $(BUILD)/obj/daemon/history/frame.o $(SESSION) $(DAEMON) $(OPS) $(APDU) $(MOHR) $(BASE)
$(BUILD)/mohrd: LIBS = $(SYSTEMD_LIBS) $(SSL_LIBS) $(JSON_LIBS) $(ZLIB_LIBS)
$(BUILD)/mohr: $(BUILD)/obj/client-sdk/cli/main.o $(call objs,client-sdk/cli/*.c) $(BUILD)/obj/client-sdk/page/qr.o $(LEDGER) $(LINK) $(MOHR) $(BASE)
$(BUILD)/mohr: LIBS = $(TLS_LIBS) $(JSON_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) $(QR_LIBS)
# No libsystemd here: what it is called for comes from daemon/portable/.
$(BUILD)/mohr-relay: $(patsubst %,$(BUILD)/obj/daemon/%.o,relay/main prompt/question history/frame) $(RELAY) $(DAEMON) $(OPS) $(APDU) $(CLI) $(LINK) $(MOHR) $(PORTABLE) $(BASE)
$(BUILD)/mohr-relay: LIBS = $(TLS_LIBS) $(JSON_LIBS) $(ZLIB_LIBS)
$(BUILD)/mohr-prompt: $(BUILD)/obj/daemon/prompt/main.o $(PROMPT) $(BASE)
$(BUILD)/mohr-prompt: LIBS = $(ASSUAN_LIBS)
$(BUILD)/mohr-history: $(patsubst %,$(BUILD)/obj/%.o,daemon/history/main client-sdk/claimset client-sdk/members) $(HISTORY) $(BASE)
$(BUILD)/mohr-history: LIBS = $(SQLITE_LIBS) $(SSL_LIBS) $(JSON_LIBS)
$(BUILD)/mohr-reader: $(BUILD)/obj/drivers/reader/main.o $(PCSC) $(HELPER) $(OPS) $(APDU) $(BASE)
$(BUILD)/mohr-reader: LIBS = $(PCSC_LIBS) $(SECCOMP_LIBS)
$(BUILD)/mohr-reader-soft: $(BUILD)/obj/drivers/reader-soft/main.o $(BUILD)/obj/drivers/soft.o $(HELPER) $(OPS) $(APDU) $(SOFTCARD) $(BASE)
$(BUILD)/mohr-reader-soft: LIBS = $(SECCOMP_LIBS) $(SSL_LIBS)
$(BUILD)/mohr-reader-nfc: $(BUILD)/obj/drivers/reader-nfc/main.o $(NFC) $(HELPER) $(OPS) $(APDU) $(BASE)
$(BUILD)/mohr-reader-nfc: LIBS = $(NFC_LIBS) $(SECCOMP_LIBS)
$(BUILD)/mohr-reader-usb: $(BUILD)/obj/drivers/reader-usb/main.o $(USB) $(HELPER) $(OPS) $(APDU) $(BASE)
$(BUILD)/mohr-reader-usb: LIBS = $(USB_LIBS) $(SECCOMP_LIBS)
$(BUILD)/mohr-watch: $(BUILD)/obj/drivers/reader-watch/main.o $(WATCH) $(HELPER) $(OPS) $(APDU) $(BASE)
$(BUILD)/mohr-watch: LIBS = $(SYSTEMD_LIBS) $(SECCOMP_LIBS)
$(BUILD)/mohr-reader-phone: $(BUILD)/obj/drivers/reader-phone/main.o $(PHONE) $(LINK) $(HELPER) $(OPS) $(APDU) $(MOHR) $(BASE)
$(BUILD)/mohr-reader-phone: LIBS = $(TLS_LIBS) $(JSON_LIBS) $(SECCOMP_LIBS)
$(BUILD)/mohr-watch-phone: $(BUILD)/obj/drivers/reader-phone-watch/main.o $(PHONE) $(LINK) $(HELPER) $(OPS) $(APDU) $(MOHR) $(BASE)
$(BUILD)/mohr-watch-phone: LIBS = $(SYSTEMD_LIBS) $(SSL_LIBS) $(JSON_LIBS) $(SECCOMP_LIBS)
$(BUILD)/mohr-softcard: $(BUILD)/obj/drivers/softcard/main.o $(SOFTCARD) $(BASE)
$(BUILD)/mohr-softcard: LIBS = $(SSL_LIBS)
$(BUILD)/mohr-page: $(patsubst %,$(BUILD)/obj/client-sdk/%.o,page/main cli/locale base64 fields members) $(PAGE) $(BASE)
$(BUILD)/mohr-page: LIBS = $(PAGE_LIBS) $(JSON_LIBS) $(SECCOMP_LIBS)

$(BUILD)/mohr-document: $(BUILD)/obj/client-sdk/document/main.o $(DOCUMENT) $(MOHR) $(BASE)
$(BUILD)/mohr-document: LIBS = $(QPDF_LIBS) $(ZLIB_LIBS) $(SSL_LIBS) $(JSON_LIBS) $(SECCOMP_LIBS)

# What a phone needs, and nothing that a phone need not have: neither libsystemd nor what draws, reads PDFs or serves other programs.
RELAY_READERS  ?= pcsc usb nfc soft
RELAY_PROGRAMS := mohr-relay mohr-prompt mohr-history $(patsubst mohr-reader-pcsc,mohr-reader,$(addprefix mohr-reader-,$(RELAY_READERS)))
relay: $(addprefix $(BUILD)/,$(RELAY_PROGRAMS)) $(if $(shell command -v msgfmt),$(MO))

$(BIN):
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(LIBS) -o $@

# What apps link with: the room and what it needs of base/ as one object that shows only mohr.h's names.
$(BUILD)/libmohr.a: $(call objs,client-sdk/*.c) $(call objs,base/*.c)
	$(call say,AR)
	$(Q)$(LD) -r -o $(BUILD)/libmohr.o $^ && $(OBJCOPY) -w --keep-global-symbol='mohr_*' $(BUILD)/libmohr.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/libmohr.o && rm -f $(BUILD)/libmohr.o

# The same, shared. Each function of the map must be there, and what none of them needs is left out.
$(SHARED): client-sdk/libmohr.map $(MOHR) $(BASE)
	$(call say,LD)
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$< $$(sed -n 's/^ *\(mohr_[a-z_]*\);.*/-Wl,--require-defined=\1/p' $<) \
	        $(filter %.a,$^) -Wl,--gc-sections $(if $(findstring sanitize,$(CFLAGS)),,-Wl,-z,defs) $(filter-out -pie,$(ALL_LDFLAGS)) $(SSL_LIBS) $(JSON_LIBS) -o $@
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME) && ln -sf $(SONAME) $(BUILD)/libmohr.so

# What programs that know PKCS#11 load: it holds what it needs of libmohr, and shows how to find it and nothing else.
$(MODULE): client-sdk/pkcs11/mohr-pkcs11.map $(PKCS11) $(MOHR) $(BASE)
	$(call say,LD)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -Wl,--version-script=$< -Wl,--undefined=C_GetFunctionList $(filter %.a,$^) -Wl,--gc-sections \
	        $(if $(findstring sanitize,$(CFLAGS)),,-Wl,-z,defs) $(filter-out -pie,$(ALL_LDFLAGS)) $(JSON_LIBS) -o $@

# What verifiers of several machines link with besides: it needs nothing of libmohr's.
$(REDIS): $(call objs,client-sdk/redis/*.c)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(A)/%.a:
	$(call say,AR)
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/daemon/interfaces.o: $(wildcard daemon/*.varlink)
$(BUILD)/obj/%.o: %.c Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/locale/%/LC_MESSAGES/mohr.mo: po/%.po
	$(call say,MSG)
	$(Q)mkdir -p $(@D) && msgfmt --check -o $@ $<

$(NAMES): /usr/lib/locale/C.utf8/LC_MESSAGES/SYS_LC_MESSAGES
	$(Q)mkdir -p $(@D) && cp $< $@

# Tests: every tests/unit/test_*.c is a cmocka program that links all rooms.
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c)) $(patsubst %,$(BUILD)/tests/test_%_portable,event inject_event child)
TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/%,$(wildcard tests/tools/*.c))
TEST_SUPPORT := $(A)/support.a
# A hundred programs that nobody ships: by the quickest linker there is, hardly optimized, and with sanitizers not at all.
QUICK_LD := $(firstword $(foreach l,lld gold,$(if $(shell command -v ld.$(l)),-fuse-ld=$(l))))
$(BUILD)/tests/%: LDFLAGS += $(QUICK_LD)
$(BUILD)/obj/tests/unit/%.o: CPPFLAGS += $(if $(findstring sanitize,$(CFLAGS)),-O0,-O1)
$(TEST_SUPPORT): $(call objs,tests/support/*.c) $(call objs,tests/monitor/*.c)
ROOMS := $(RELAY) $(SESSION) $(DAEMON) $(PROMPT) $(HISTORY) $(PAGE) $(DOCUMENT) $(PKCS11) $(REDIS) $(LEDGER) $(PHONE) $(LINK) $(CLI) $(MOHR) $(HELPER) $(PCSC) $(NFC) $(USB) $(WATCH) $(OPS) $(APDU) $(SOFTCARD) $(BASE)
ROOM_LIBS = $(CMOCKA_LIBS) $(SYSTEMD_LIBS) $(TLS_LIBS) $(JSON_LIBS) $(SECCOMP_LIBS) $(ASSUAN_LIBS) $(NFC_LIBS) $(USB_LIBS) $(ZLIB_LIBS) $(PAGE_LIBS) $(QPDF_LIBS) $(REDIS_LIBS) $(SQLITE_LIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(TEST_SUPPORT) $(ROOMS)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $< $(TEST_SUPPORT) -Wl,--start-group $(ROOMS) -Wl,--end-group $(ALL_LDFLAGS) $(ROOM_LIBS) -o $@
$(BUILD)/tests/%: $(BUILD)/obj/tests/tools/%.o $(TEST_SUPPORT) $(ROOMS)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $< $(TEST_SUPPORT) -Wl,--start-group $(ROOMS) -Wl,--end-group $(ALL_LDFLAGS) $(ROOM_LIBS) $(PCSC_LIBS) -o $@

# The same expectations of both event loops.
$(BUILD)/tests/test_event_portable: $(BUILD)/obj/tests/unit/test_event.o $(PORTABLE) $(BASE)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(CMOCKA_LIBS) -o $@
$(BUILD)/tests/test_inject_event_portable: $(BUILD)/obj/tests/unit/test_inject_event.o $(TEST_SUPPORT) $(PORTABLE) $(BASE)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(CMOCKA_LIBS) $(SSL_LIBS) $(JSON_LIBS) -o $@
# And of children where the kernel is old, too.
$(BUILD)/tests/test_child_portable: $(patsubst %,$(BUILD)/obj/%.o,tests/unit/test_child tests/tools/old/pidfd daemon/child daemon/child_launch) $(PORTABLE) $(BASE)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(CMOCKA_LIBS) -o $@

# Helper and watcher for a mocked USB bus: the filter of the sandbox is wider, all else is the same.
MOCKED := $(BUILD)/usb/mohr-reader-usb $(BUILD)/usb/mohr-watch
$(BUILD)/obj/usb/sandbox.o: drivers/helper/sandbox.c Makefile
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -DMOHR_MOCK_USB -c $< -o $@
$(BUILD)/usb/mohr-reader-usb: $(BUILD)/obj/drivers/reader-usb/main.o $(BUILD)/obj/usb/sandbox.o $(USB) $(HELPER) $(OPS) $(APDU) $(BASE)
$(BUILD)/usb/mohr-watch: $(BUILD)/obj/drivers/reader-watch/main.o $(BUILD)/obj/usb/sandbox.o $(WATCH) $(HELPER) $(OPS) $(APDU) $(BASE)
$(MOCKED): LIBS = $(USB_LIBS) $(SYSTEMD_LIBS) $(SECCOMP_LIBS)
$(MOCKED):
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) $(LIBS) -o $@
mocked: $(MOCKED)

# The mocked USB reader is a program of its own: nothing of the rooms' but base/ is in it.
$(BUILD)/tests/mock_seek.so: tests/tools/preload/seek.c
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c17 $(WARN) -D_GNU_SOURCE -O2 -fPIC -shared $< -o $@
$(BUILD)/tests/mock_ccid: | $(BUILD)/tests/mock_seek.so
$(BUILD)/tests/mock_ccid: $(BUILD)/obj/tests/tools/mock_ccid.o $(call objs,tests/tools/mock/*.c) $(BASE)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LDFLAGS) -o $@

# The scripted person: started by the thousand, so without what only a program under test needs.
PERSON := $(BUILD)/tests/pinentry-script
$(PERSON): tests/tools/pinentry/script.c Makefile
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c17 $(WARN) -D_GNU_SOURCE -I. $(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS)) $< -o $@ $(JSON_LIBS)

# tests/unit/test_inject_*.c make calls fail: what tests/support/inject.wrap lists goes through inject.c.
$(BUILD)/tests/test_inject_%: LDFLAGS += -Wl,@tests/support/inject.wrap
# This one counts.
$(BUILD)/tests/test_bounded: LDFLAGS += $(foreach f,malloc calloc realloc strdup strndup free,-Wl,--wrap=$(f))

# tests/ifd/NAME.c is a reader for the real pcscd, which is nobody's sanitizer build.
IFD := $(patsubst tests/ifd/%.c,$(BUILD)/tests/ifd_%.so,$(wildcard tests/ifd/*.c))
$(BUILD)/tests/ifd_%.so: tests/ifd/%.c base/bytes.c base/text.c Makefile
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c17 $(WARN) -fPIC -shared -D_GNU_SOURCE -I. $(CPPFLAGS) $(filter-out -fsanitize% -fno-sanitize%,$(CFLAGS)) \
	        $(filter %.c,$^) -o $@

tests: all $(UNIT) $(TOOLS) $(IFD) $(MOCKED) $(PERSON)

# Fuzzing: clang's libFuzzer; each target is tests/fuzz/fuzz_NAME.c with seeds in tests/fuzz/seeds/NAME/. The sanitizer
# build is clang's, too, so that the rooms are compiled once for both, and both compilers warn of everything.
# SANITIZED_O: a search is twice as fast with -O1, a check is done sooner with what compiles in half the time.
FUZZ_SECONDS ?= 60
CLANG        ?= clang
SANITIZED_O  ?= -O1
SANITIZED    := BUILD=$(BUILD)/asan CC="$(CLANG)" \
                CFLAGS="$(SANITIZED_O) -g1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
fuzz-targets: $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz-build:
	$(Q)$(MAKE) $(SANITIZED) fuzz-targets mocked
$(BUILD)/fuzz_%: LDFLAGS += $(QUICK_LD)
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(TEST_SUPPORT) $(ROOMS)
	$(call say,LD)
	$(Q)$(CC) $< -Wl,--start-group $(TEST_SUPPORT) $(ROOMS) -Wl,--end-group $(ALL_LDFLAGS) -fsanitize=fuzzer $(ROOM_LIBS) -o $@
fuzz: fuzz-build
	$(Q)tests/fuzz/run $(BUILD)/asan $(FUZZ_SECONDS)

asan:
	$(Q)$(MAKE) $(SANITIZED) tests fuzz-targets

check: tests
	$(Q)tests/run $(BUILD)
bench: tests
	$(Q)tests/bench $(BUILD)
format:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

# What goes where: folder below DESTDIR, then files. Templates (*.in) learn LIBEXECDIR on the way.
SHARE    := $(PREFIX)/share
UNITS    := $(PREFIX)/lib/systemd
put       = install -d $(DESTDIR)$(1) && install -m $(2) $(3) $(DESTDIR)$(1)/
fill      = install -d $(DESTDIR)$(1) && for t in $(2); do f=$${t\#\#*/}; sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|g; s|@LIBDIR@|$(LIBDIR)|g; \
            s|@PREFIX@|$(PREFIX)|g; s|@VERSION@|$(VERSION)|g' $$t >$(DESTDIR)$(1)/$${f%.in} || exit 1; done
HELPERS  := $(filter-out mohr-reader-soft,$(filter mohr-reader% mohr-watch%,$(PROGRAMS)))
install: all
	$(Q)! grep -ls MOHR-WIDER-SANDBOX $(BIN) || { echo 'built with MOHR_MOCK_USB, for tests only: not installed' >&2; exit 1; }
	$(call put,$(PREFIX)/bin,755,$(BUILD)/mohr $(BUILD)/mohr-relay)
	$(call put,$(LIBEXECDIR),755,$(addprefix $(BUILD)/,mohrd mohr-prompt mohr-history mohr-page mohr-document $(HELPERS)))
	$(call put,$(NAMESDIR)/fa/LC_MESSAGES,644,$(NAMES))
	$(call put,$(PREFIX)/include,644,client-sdk/mohr.h client-sdk/redis/mohr-redis.h)
	$(call put,$(LIBDIR),644,$(BUILD)/libmohr.a $(SHARED) $(REDIS))
	$(call put,$(LIBDIR)/pkcs11,644,$(MODULE))
	$(call put,$(SHARE)/p11-kit/modules,644,client-sdk/pkcs11/mohr.module)
	$(Q)ln -sf $(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/$(SONAME) && ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libmohr.so
	$(call fill,$(LIBDIR)/pkgconfig,client-sdk/mohr.pc.in client-sdk/redis/mohr-redis.pc.in)
	$(call put,$(SHARE)/varlink,644,$(wildcard daemon/mohr.*.varlink))
	install -d $(DESTDIR)$(SHARE)/bash-completion/completions && install -m 644 client-sdk/completion/mohr.bash $(DESTDIR)$(SHARE)/bash-completion/completions/mohr && \
	        ln -sf mohr $(DESTDIR)$(SHARE)/bash-completion/completions/mohr-relay
	$(call put,$(SYSCONFDIR)/mohr,644,daemon/mohr.conf) && install -d $(DESTDIR)$(SYSCONFDIR)/mohr/conf.d
	for n in 1 3 5 7 8; do ls client-sdk/man/*.$$n >/dev/null 2>&1 || continue; install -d $(DESTDIR)$(SHARE)/man/man$$n && \
	        install -m 644 $$(ls client-sdk/man/*.$$n | grep -v softcard) $(DESTDIR)$(SHARE)/man/man$$n/ || exit 1; done
	$(Q)cd $(DESTDIR)$(SHARE)/man/man3 && for p in libmohr.3 mohr_*.3; do [ -L $$p ] || for f in $$(sed -n '/^.Sh NAME/,/^.Nd/s/^.Nm \(mohr_[a-z_]*\).*/\1.3/p' $$p); do \
	        [ $$f = $$p ] || ln -sf $$p $$f || exit 1; done; done
	$(call fill,$(UNITS)/user,udev/mohrd.service.in udev/mohrd.socket.in udev/mohr-fetch.service.in udev/mohr-fetch.timer \
	        udev/mohr-relay.service.in)
	install -d $(DESTDIR)$(UNITS)/user-preset && install -m 644 udev/mohr.preset $(DESTDIR)$(UNITS)/user-preset/80-mohr.preset
	$(call fill,$(UNITS)/system,udev/mohrd@.service.in udev/mohrd@.socket.in)
	$(call put,$(PREFIX)/lib/udev/rules.d,644,udev/70-mohr.rules)
	$(call put,$(SHARE)/polkit-1/rules.d,644,udev/50-mohr.rules)
	install -d $(DESTDIR)$(PREFIX)/lib/modprobe.d && install -m 644 udev/mohr-modprobe.conf $(DESTDIR)$(PREFIX)/lib/modprobe.d/mohr.conf
	install -d $(DESTDIR)$(PREFIX)/lib/sysusers.d && install -m 644 udev/mohr-sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/mohr.conf
	for l in $(patsubst po/%.po,%,$(wildcard po/*.po)); do d=$(DESTDIR)$(LOCALEDIR)/$$l/LC_MESSAGES; \
	        install -d $$d && install -m 644 $(BUILD)/locale/$$l/LC_MESSAGES/mohr.mo $$d/ || exit 1; done

install-relay: relay
	$(call put,$(PREFIX)/bin,755,$(BUILD)/mohr-relay)
	$(call put,$(LIBEXECDIR),755,$(addprefix $(BUILD)/,$(filter-out mohr-relay,$(RELAY_PROGRAMS))))
	$(call put,$(SHARE)/man/man1,644,client-sdk/man/mohr-relay.1)
	for m in $(wildcard $(MO)); do d=$(DESTDIR)$(LOCALEDIR)/$${m#$(BUILD)/locale/}; install -d $${d%/*} && install -m 644 $$m $$d || exit 1; done

# The simulated card, for those who develop and test: never part of `install`.
install-simulator: all
	$(call put,$(PREFIX)/bin,755,$(BUILD)/mohr-softcard)
	$(call put,$(LIBEXECDIR),755,$(BUILD)/mohr-reader-soft)
	$(call put,$(SHARE)/man/man1,644,client-sdk/man/mohr-softcard.1)

clean:
	rm -rf $(BUILD)

help:
	@echo 'make [all]    programs and translations in $(BUILD)/ (V=1 shows commands, WERROR=1 as in CI)'
	@echo 'make check    all tests          make asan     the same programs and tests with ASan+UBSan'
	@echo 'make fuzz     every fuzz target for FUZZ_SECONDS=60 each'
	@echo 'make bench    the numbers of docs/design.md'
	@echo 'make relay    the programs of a phone alone; RELAY_READERS="pcsc usb nfc soft" says which readers. make install-relay'
	@echo 'make install  into DESTDIR, PREFIX=/usr   make format   clang-format   make clean'

.PHONY: all relay install-relay tests mocked check fuzz fuzz-build fuzz-targets asan bench format install install-simulator clean help
.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
