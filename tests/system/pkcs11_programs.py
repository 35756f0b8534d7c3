#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pkcs11_programs.py BUILD: programs that people use, with the card through the PKCS#11 module: OpenSSH against a real sshd, OpenSSL
(engine-pkcs11), GnuTLS, curl with a client certificate against a real nginx, NSS and Java.

Each is a row of docs/pkcs11.md, for a staff card and for a national one. With the staff card it has to work, and what the person was
shown is asserted; with the national one it gets what the table says, and then nobody was asked for a PIN.
"""
import os
import pwd
import shutil
import socket
import subprocess

from lib import Process, free_ports, main, wait_for
from pkcs11_rig import World

SERVER = "localhost"
URI = "pkcs11:object=Authentication;type=private"


class Programs(World):
    """What they have in common: certificates, a web server that wants one, an SSH server."""

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.rig.dir, check=True, capture_output=True)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def certificates(self, anchors):
        """The server's; and the tests' CA for staff, which is nobody's root, as an anchor that says so itself. What nginx tells of whom it
        takes is the name of that CA, in a certificate that is none of its own: OpenSSL would take the first of two that are the same."""
        if os.path.exists(self.path("server.pem")):
            return
        self.openssl("x509", "-in", anchors, "-addtrust", "clientAuth", "-trustout", "-out", "anchors.pem")
        ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        self.openssl("req", "-x509", *ec, "-keyout", "web-ca.key", "-out", "web-ca.pem", "-subj", "/CN=Web CA TEST", "-addext",
                     "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        self.openssl("req", *ec, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=" + SERVER)
        self.write("server.ext", f"subjectAltName=DNS:{SERVER}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "web-ca.pem", "-CAkey", "web-ca.key", "-set_serial", "2", "-days", "2",
                     "-extfile", "server.ext", "-out", "server.pem")
        self.openssl("req", "-x509", *ec, "-keyout", "names.key", "-out", "names.pem", "-subj", "/C=IR/O=Office of Tests/OU=Staff/CN=Staff CA TEST")

    def web(self, anchors, asks=True):
        """A real nginx that says who came; its port. asks: it wants to know."""
        self.certificates(anchors)
        port = free_ports(1)
        folder = self.path(f"nginx-{port}")
        os.makedirs(folder, exist_ok=True)
        conf = self.write("nginx.conf", f"""
            daemon off; master_process off; pid {folder}/pid; error_log stderr;
            events {{ worker_connections 16; }}
            http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
                uwsgi_temp_path {folder}; scgi_temp_path {folder};
                server {{ listen 127.0.0.1:{port} ssl; server_name {SERVER}; ssl_protocols TLSv1.2 TLSv1.3;
                    ssl_certificate server.pem; ssl_certificate_key server.key;
                    ssl_client_certificate names.pem; ssl_trusted_certificate anchors.pem; ssl_verify_client {"optional" if asks else "off"}; ssl_verify_depth 3;
                    location / {{ default_type text/plain; return 200 "$ssl_protocol $ssl_client_verify $ssl_client_s_dn\\n"; }} }} }}""")
        program = self.has("nginx")
        process = Process(self.rig, "nginx", [program, "-e", "stderr", "-p", self.rig.dir, "-c", conf])
        if not wait_for(lambda: answers(port) or not process.alive()) or not process.alive():
            raise RuntimeError("nginx: " + process.said())
        return process, port

    def missing_of(self, *programs):
        return next((program for program in programs if not self.has(program)), None)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def staff_anchors(world):
    return os.path.join(world.rig.pki, "staff-ca.pem")


# ---- OpenSSH ----------------------------------------------------------------------------------------------------

def is_root():
    """Of the machine, and not of a user namespace."""
    with open("/proc/self/uid_map", encoding="ascii") as table:
        return os.geteuid() == 0 and table.read().split() == ["0", "0", "4294967295"]


def sshd(world, keys):
    """A real sshd on loopback that lets these public keys in; its port."""
    port = free_ports(1)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    if not os.path.exists(world.path("host_key")):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", world.path("host_key")], check=True)
    world.write("authorized", keys, 0o600)
    conf = world.write("sshd_config", f"""
        ListenAddress 127.0.0.1:{port}
        HostKey {world.path("host_key")}
        AuthorizedKeysFile {world.path("authorized")}
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin yes
        LogLevel VERBOSE
        """)
    process = Process(world.rig, "sshd", [world.has("sshd"), "-D", "-e", "-f", conf])
    if not wait_for(lambda: answers(port) or not process.alive()) or not process.alive():
        raise RuntimeError("sshd: " + process.said())
    return process, port


def ssh(world, daemon, port):
    user = pwd.getpwuid(os.getuid()).pw_name
    return world.run(daemon, "ssh", "-I", world.module, "-p", str(port), "-F", "none", "-o", "StrictHostKeyChecking=no", "-o",
                     "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "PreferredAuthentications=publickey", "-o", "IdentitiesOnly=no",
                     "-o", "IdentityFile=none", f"{user}@127.0.0.1", "echo", "in by the card", SSH_AUTH_SOCK="")


def openssh(world):
    rig = world.rig
    if missing := world.missing_of("ssh", "sshd", "ssh-keygen"):
        return rig.skip("OpenSSH", f"{missing} is not installed")
    if not is_root():
        return rig.skip("OpenSSH", "sshd needs root")
    for algorithm in ("p256", "rsa2048"):
        daemon = world.daemon()
        card = world.card(daemon, piv_9a=algorithm, piv_9c="p384")
        code, keys = world.run(daemon, "ssh-keygen", "-D", world.module)
        kind = "ecdsa-sha2-nistp256" if algorithm == "p256" else "ssh-rsa"
        line = next((line for line in keys.splitlines() if line.startswith(kind) and "Authentication" in line), "")
        rig.check(code == 0 and line, f"ssh-keygen -D tells the {algorithm} key", keys)
        daemon.prompts()
        server, port = sshd(world, line + "\n")
        code, out = ssh(world, daemon, port)
        shown = world.shown(daemon)
        rig.check(code == 0 and "in by the card" in out, f"ssh -I: in, by {algorithm}", f"{code} {out}\n{server.said()[-1500:]}")
        rig.check(shown.count("GETPIN") == 1 and "bin/ssh" in shown and "authentication key" in shown, "ssh: one PIN, asked in the name of ssh", shown)
        rig.check(card.locked(), "ssh: the card is locked", card.stats())
        server.stop()
        card.remove()
        daemon.stop()
    return national_ssh(world)


def national_ssh(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, "mav2-cl")
    _, keys = world.run(daemon, "ssh-keygen", "-D", world.module)
    server, port = sshd(world, keys)
    daemon.prompts()
    code, out = ssh(world, daemon, port)
    shown = world.shown(daemon)
    rig.check(code != 0 and "CONFIRM" in shown and "GETPIN" not in shown, "ssh, national card: refused, and no PIN was asked for", f"{code} {out} {shown}")
    server.stop()
    card.remove()
    daemon.stop()


# ---- OpenSSL ----------------------------------------------------------------------------------------------------

def openssl_engine(world):
    rig = world.rig
    if not any(os.path.exists(f"/usr/lib/{os.uname().machine}-linux-gnu/engines-3/{name}.so") for name in ("pkcs11", "libpkcs11")):
        return rig.skip("OpenSSL", "engine-pkcs11 is not installed")
    algorithm = "rsa2048"
    daemon = world.daemon()
    card = world.card(daemon, piv_9a=algorithm, piv_9c="p384")
    world.key_file(daemon)
    daemon.prompts()
    world.write("words", "what OpenSSL signs")
    code, out = world.run(daemon, "openssl", "dgst", "-engine", "pkcs11", "-keyform", "engine", "-sign", URI, "-sha256", "-out", "words.sig",
                          "words", PKCS11_MODULE_PATH=world.module)
    judged, _ = world.run(daemon, "openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "words.sig", "words")
    shown = world.shown(daemon)
    rig.check(code == 0 and judged == 0, f"openssl dgst -engine pkcs11: {algorithm}", out)
    rig.check(shown.count("GETPIN") == 1 and "bin/openssl" in shown, "openssl: one PIN, asked in its name", shown)
    card.remove()
    daemon.stop()
    daemon = world.daemon()
    card = world.card(daemon, "mav2-cl")
    code, out = world.run(daemon, "openssl", "dgst", "-engine", "pkcs11", "-keyform", "engine", "-sign", "pkcs11:type=private", "-sha256", "words",
                          PKCS11_MODULE_PATH=world.module)
    rig.check(code != 0 and "GETPIN" not in world.shown(daemon), "openssl, national card: refused, and no PIN was asked for", out)
    card.remove()
    return daemon.stop()


# ---- TLS: curl, GnuTLS, NSS ---------------------------------------------------------------------------------------

def web_page(world, daemon, port, *more):
    return world.run(daemon, "curl", "-sS", "--cacert", "web-ca.pem", "--resolve", f"{SERVER}:{port}:127.0.0.1", "--engine", "pkcs11",
                     "--cert-type", "ENG", "--cert", "pkcs11:object=Authentication;type=cert", "--key-type", "ENG", "--key", URI, *more,
                     f"https://{SERVER}:{port}/", PKCS11_MODULE_PATH=world.module)


def curl(world):
    rig = world.rig
    if missing := world.missing_of("curl", "nginx"):
        return rig.skip("curl and nginx", f"{missing} is not installed")
    for algorithm, version in (("rsa2048", "1.3"), ("p256", "1.2")):
        daemon = world.daemon()
        server, port = world.web(staff_anchors(world))
        card = world.card(daemon, piv_9a=algorithm, piv_9c="p384")
        code, out = web_page(world, daemon, port, "--tls-max", version)
        shown = world.shown(daemon)
        rig.check(code == 0 and f"TLSv{version} SUCCESS" in out, f"curl: nginx knows the holder, TLS {version}, {algorithm}", f"{code} {out} {server.said()[-800:]}")
        rig.check(shown.count("GETPIN") == 1 and "bin/curl" in shown, "curl: one PIN, asked in its name", shown)
        card.remove()
        server.stop()
        daemon.stop()
    return None


def gnutls(world):
    rig = world.rig
    if missing := world.missing_of("p11tool", "gnutls-cli", "nginx"):
        return rig.skip("GnuTLS", f"{missing} is not installed")
    algorithm = "p256"
    daemon = world.daemon()
    server, port = world.web(staff_anchors(world))
    card = world.card(daemon, piv_9a=algorithm, piv_9c="p384")
    code, out = world.p11tool(daemon, "--test-sign", URI)
    shown = world.shown(daemon)
    rig.check(code == 0 and "ok" in out.lower() and "GETPIN" in shown and "p11tool" in shown, f"p11tool --test-sign: {algorithm}", f"{out}{shown}")
    code, out = world.run(daemon, "gnutls-cli", "--provider", world.module, "--x509cafile", "web-ca.pem", "--x509certfile",
                          "pkcs11:object=Authentication;type=cert", "--x509keyfile", URI, "-p", str(port), "--sni-hostname", SERVER,
                          "--verify-hostname", SERVER, "127.0.0.1", text=f"GET / HTTP/1.0\r\nHost: {SERVER}\r\n\r\n".encode())
    shown = world.shown(daemon)
    rig.check("SUCCESS" in out and shown.count("GETPIN") == 1, f"gnutls-cli: nginx knows the holder, {algorithm}", f"{code} {out} {shown}")
    card.remove()
    server.stop()
    daemon.stop()
    return None


# ---- NSS --------------------------------------------------------------------------------------------------------

def nss_page(world, daemon, port, *more):
    world.write("get", f"GET / HTTP/1.0\r\nHost: {SERVER}\r\n\r\n")
    # by its address: a bare system has no /etc/hosts
    return world.run(daemon, "tstclnt", "-4", "-h", "127.0.0.1", "-a", SERVER, "-p", str(port), "-d", "sql:" + world.path("nss"), "-A", "get", *more)


def nss_database(world, daemon, folder="nss"):
    """An empty one that has the module and the server's CA."""
    database = "sql:" + world.path(folder)
    shutil.rmtree(world.path(folder), ignore_errors=True)
    os.makedirs(world.path(folder))
    for argv in (["certutil", "-N", "--empty-password", "-d", database],
                 ["modutil", "-force", "-dbdir", database, "-add", "Mohr", "-libfile", world.module],
                 ["certutil", "-A", "-d", database, "-n", "Web CA", "-t", "C,,", "-i", "web-ca.pem"]):
        code, out = world.run(daemon, *argv)
        if code != 0:
            raise RuntimeError(f"{argv}: {out}")


def nss(world):
    rig = world.rig
    if missing := world.missing_of("modutil", "certutil", "tstclnt", "nginx"):
        return rig.skip("NSS", f"{missing} is not installed")
    algorithm, versions = "rsa2048", "tls1.3:tls1.3"
    daemon = world.daemon()
    server, port = world.web(staff_anchors(world))
    card = world.card(daemon, piv_9a=algorithm, piv_9c="p384")
    nss_database(world, daemon)
    _, out = world.run(daemon, "modutil", "-list", "Mohr", "-dbdir", "sql:" + world.path("nss"))
    rig.check("no login required" in out and "Mohr " + card.reader in out, "modutil: the module and its slot", out)
    calm, calm_port = world.web(staff_anchors(world), asks=False)
    code, out = nss_page(world, daemon, calm_port, "-V", versions)
    calm.stop()
    rig.check("NONE" in out and not daemon.prompts(), "NSS: a page that wants nobody's certificate asks nobody", f"{code} {out}")
    code, out = world.run(daemon, "certutil", "-L", "-h", "all", "-d", "sql:" + world.path("nss"))
    rig.check(f"Mohr {card.reader}:Authentication" in out and "u,u,u" in out, "certutil: the certificates, and that their keys are here", out)
    daemon.prompts()
    code, out = nss_page(world, daemon, port, "-V", versions, "-n", f"Mohr {card.reader}:Authentication")
    shown = world.shown(daemon)
    rig.check("SUCCESS" in out, f"NSS: nginx knows the holder, {versions}, {algorithm}", f"{code} {out} {shown}")
    rig.check(shown.count("GETPIN") == 1 and "tstclnt" in shown, "NSS: one PIN, asked in its name", shown)
    card.remove()
    server.stop()
    daemon.stop()
    return None


# ---- Java -------------------------------------------------------------------------------------------------------

JAVA = r"""
import java.io.*; import java.net.*; import java.security.*; import java.security.cert.*; import java.util.*; import javax.net.ssl.*;
public class Card {
    public static void main(String[] words) throws Exception {
        Provider provider = Security.getProvider("SunPKCS11").configure("--name=Mohr\nlibrary=" + words[0] + "\nslotListIndex=0\n");
        Security.addProvider(provider);
        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, null);
        System.out.println("aliases " + Collections.list(store.aliases()));
        String alias = words[1];
        for (String algorithm : words[2].split(",")) {
            try {
                Signature signature = Signature.getInstance(algorithm, provider);
                signature.initSign((PrivateKey) store.getKey(alias, null));
                signature.update(new FileInputStream("words").readAllBytes());
                byte[] signed = signature.sign();
                Signature judge = Signature.getInstance(algorithm);
                judge.initVerify(store.getCertificate(alias).getPublicKey());
                judge.update(new FileInputStream("words").readAllBytes());
                System.out.println(algorithm + " " + (judge.verify(signed) ? "good" : "bad"));
            } catch (Exception e) { System.out.println(algorithm + " " + e + " " + e.getCause()); }
        }
        if (words.length < 4) return;
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, null);
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        roots.setCertificateEntry("server", CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream("web-ca.pem")));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(roots);
        for (String version : words[4].split(",")) {
            SSLContext context = SSLContext.getInstance(version);
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            try {
                HttpsURLConnection page = (HttpsURLConnection) new URL("https://localhost:" + words[3] + "/").openConnection();
                page.setSSLSocketFactory(context.getSocketFactory());
                System.out.println(version + " " + new String(page.getInputStream().readAllBytes()));
            } catch (Exception e) { System.out.println(version + " " + e); }
        }
    }
}
"""


def java_run(world, daemon, port, alias, names, versions):
    return world.run(daemon, "java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "Card.java", world.module, alias, names, str(port), versions)


def java(world):
    """Its key manager takes whichever of the card's keys a server would: where both would do, a TLS 1.3 login by the key that makes
    assertions, which is given the data and knows it."""
    rig = world.rig
    if missing := world.missing_of("javac", "nginx"):
        return rig.skip("Java", f"{missing} is not installed")
    world.write("Card.java", JAVA)
    world.write("words", "what Java signs")
    for nine_a, nine_c, names, versions, wanted in (
            ("rsa2048", "absent", "SHA256withRSA,SHA512withRSA", "TLSv1.2", ("authentication key", "cannot tell")),
            ("absent", "p256", "SHA256withECDSA", "TLSv1.3", ("proves your identity", "login to a web server"))):
        daemon = world.daemon()
        server, port = world.web(staff_anchors(world))
        card = world.card(daemon, piv_9a=nine_a, piv_9c=nine_c)
        alias = "Authentication" if nine_c == "absent" else "Digital signature"
        code, out = java_run(world, daemon, port, alias, names, versions)
        shown = world.shown(daemon)
        good = names.split(",") if nine_c == "absent" else []
        if good:
            rig.check(all(f"{name} good" in out for name in good), f"Java: {names} by 9A", f"{code} {out}")
        else:
            rig.check("CKR_DATA_INVALID" in out, f"Java: {names} over other words by 9C is refused", f"{code} {out}")
        rig.check(all(f"{version} SUCCESS" in out for version in versions.split(",")), f"Java: nginx knows the holder, {versions}", f"{code} {out}")
        rig.check(shown.count("CONFIRM") == 1 and shown.count("GETPIN") == len(good) + len(versions.split(",")) and "java" in shown
                  and all(words in shown for words in wanted), "Java: one question, a PIN for each signature, and what it is for", shown)
        card.remove()
        server.stop()
        daemon.stop()
    return None


# ---- The national card ------------------------------------------------------------------------------------------

def national(world):
    """Its key makes assertions: programs that hash by themselves are refused, before anybody is asked for a PIN."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, "mav2-cl")
    world.write("words", "what a program signs")
    web = world.web(staff_anchors(world)) if world.has("nginx") else (None, 0)
    rows = []
    if web[0] and world.has("curl"):
        rows.append(("curl", lambda: web_page(world, daemon, web[1], "--cert", "pkcs11:type=cert", "--key", "pkcs11:type=private")))
    if world.has("p11tool"):
        rows.append(("GnuTLS", lambda: world.p11tool(daemon, "--test-sign", "pkcs11:object=Digital%20signature;type=private")))
    if web[0] and world.has("tstclnt") and world.has("modutil"):
        nss_database(world, daemon)
        rows.append(("NSS", lambda: nss_page(world, daemon, web[1], "-n", f"Mohr {card.reader}:Digital signature")))
    if web[0] and world.has("javac"):
        world.write("Card.java", JAVA)
        rows.append(("Java", lambda: java_run(world, daemon, web[1], "Digital signature", "SHA256withRSA", "TLSv1.3,TLSv1.2")))
    for who, run in rows:
        code, out = run()
        shown = world.shown(daemon)
        rig.check("SUCCESS CN" not in out and "CONFIRM" in shown and "GETPIN" not in shown,
                  f"{who}, national card: refused, and no PIN was asked for", f"{code} {out} {shown}")
    rig.check(card.stats()["verify_commands"] == 0, "national card: no try was spent", card.stats())
    if web[0]:
        web[0].stop()
    card.remove()
    daemon.stop()


def body(rig):
    world = Programs(rig)
    for case in rig.mine([openssh, openssl_engine, java, curl, gnutls, nss, national]):
        case(world)
    world.pcscd.stop()


if __name__ == "__main__":
    main(body, workers=2)
