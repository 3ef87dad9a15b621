// Certificates for tests, made by openssl.

/** Files in PEM format. */
export interface CertificateFiles {
  /** Of the authority (CA). */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a CA of its own and a certificate by it, in `dir`: for a host of that name, or 127.0.0.1; also
 * for a client.
 */
export function makeCertificate(dir: string, name: string): CertificateFiles {
  const script = `set -e; cd "$1"
    openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=authority of $2" -days 2 -keyout "$2-ca.key" -out "$2-ca.pem"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$2.key" -out "$2.csr"
    echo "subjectAltName=DNS:$2,IP:127.0.0.1" >"$2.ext"
    openssl x509 -req -days 2 -in "$2.csr" -CA "$2-ca.pem" -CAkey "$2-ca.key" -CAcreateserial -extfile "$2.ext" -out "$2.pem"`;
  const { success, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", dir, name],
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { ca: `${dir}/${name}-ca.pem`, cert: `${dir}/${name}.pem`, key: `${dir}/${name}.key` };
}
