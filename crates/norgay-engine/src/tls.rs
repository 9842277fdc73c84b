//! The process's one provider of cryptography for TLS.

/// Makes `ring` the provider of all TLS clients of this process; call it before making one.
///
/// Without it the first connection of a client panics, since no client brings a provider of its
/// own. Calling it again, or in a program that has chosen a provider already, changes nothing.
pub fn install() {
    // The error says only that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
