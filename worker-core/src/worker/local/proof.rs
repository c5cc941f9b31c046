//! How a caller recognises this worker before it sends the control token: any program on this machine may listen where a worker is expected.
//!
//! The caller sends a nonce. The worker responds with the HMAC-SHA256 of the nonce and its port, keyed with the token (RFC 2104). The port is
//! included so that another program cannot get the proof for its own port from a worker on a different one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// Separates these proofs from any other use of the token as a key.
const CONTEXT: &str = "llamapool control";

/// Length of a nonce in characters: at least 128 random bits in hexadecimal.
const NONCE: std::ops::RangeInclusive<usize> = 32..=128;

/// The proof that the listener on `port` knows the control token: 64 hexadecimal digits.
pub(super) fn control_proof(token: &SecretString, port: u16, nonce: &str) -> String {
    let bytes = mac(token, port, nonce).finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `given` is that proof. Compares in constant time.
pub fn is_control_proof(token: &SecretString, port: u16, nonce: &str, given: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    control_proof(token, port, nonce).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether a nonce has an acceptable form.
pub(super) fn is_nonce(nonce: &str) -> bool {
    NONCE.contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn mac(token: &SecretString, port: u16, nonce: &str) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes());
    let mut mac = mac.expect("HMAC takes keys of any length");
    // A nonce has no line breaks, so two different inputs never produce the same text.
    mac.update(format!("{CONTEXT}\n{port}\n{nonce}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_for_one_token_one_port_and_one_nonce() {
        let (token, other) = (SecretString::from("token"), SecretString::from("other"));
        let nonce = "0123456789abcdef0123456789abcdef";
        let proof = control_proof(&token, 4555, nonce);
        assert_eq!(proof.len(), 64);
        assert!(is_control_proof(&token, 4555, nonce, &proof));
        assert!(!is_control_proof(&other, 4555, nonce, &proof));
        assert!(!is_control_proof(&token, 4556, nonce, &proof));
        assert!(!is_control_proof(&token, 4555, &nonce.replace('0', "1"), &proof));
        assert!(!is_control_proof(&token, 4555, nonce, ""));
    }

    #[test]
    fn a_nonce_is_long_enough_and_plain() {
        assert!(is_nonce(&"a".repeat(32)) && is_nonce(&"0".repeat(128)));
        for wrong in
            ["", "abc", &"a".repeat(31), &"a".repeat(129), &"x".repeat(32), &format!("{}\n", "a".repeat(32))]
        {
            assert!(!is_nonce(wrong), "{wrong:?}");
        }
    }
}
