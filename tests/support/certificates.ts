// Certificates for tests, made by openssl.

/** Files in PEM format. */
export interface CertificateFiles {
  /** Of the authority (CA). */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate in `dir`: for a host of that name, or 127.0.0.1; also for a client.
 * @param subject whose it is; `name`, by which the files are called, if left out
 * @param ca the authority, which is made where it is not there yet; one for this alone if left out
 */
export function makeCertificate(
  dir: string,
  name: string,
  { subject = name, ca = `${name}-ca` }: { subject?: string; ca?: string } = {},
): CertificateFiles {
  const script = `set -e; cd "$1"
    [ -e "$4.pem" ] ||
      openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$4" -days 2 -keyout "$4.key" -out "$4.pem"
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$3" -keyout "$2.key" -out "$2.csr"
    echo "subjectAltName=DNS:$3,IP:127.0.0.1" >"$2.ext"
    openssl x509 -req -days 2 -in "$2.csr" -CA "$4.pem" -CAkey "$4.key" -CAcreateserial -extfile "$2.ext" -out "$2.pem"
    chmod 600 "$2.key"`;
  const { success, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", dir, name, subject, ca],
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { ca: `${dir}/${ca}.pem`, cert: `${dir}/${name}.pem`, key: `${dir}/${name}.key` };
}
