//! Networks in CIDR notation, as `trusted_proxies` lists them.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// A network: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The part before the slash.
    #[error("must be an IP address or a network: \"127.0.0.1\", \"172.16.0.0/12\", \"fd00::/8\"")]
    Address,
    /// The part behind it.
    #[error("the number of bits behind `/` must be from 0 to {0}")]
    Bits(u8),
    /// Bits behind the prefix are set, so one of the two is wrong.
    #[error("the address has bits behind the first {0}: the network is \"{1}\"")]
    Host(u8, Network),
}

impl Network {
    /// Whether the address is in it. IPv4 counts as such, also where it is written as IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                keep(own.to_bits().into(), 32, self.bits)
                    == keep(other.to_bits().into(), 32, self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                keep(own.to_bits(), 128, self.bits) == keep(other.to_bits(), 128, self.bits)
            }
            _ => false,
        }
    }
}

/// The first `bits` of a number of `width` bits.
fn keep(number: u128, width: u32, bits: u8) -> u128 {
    let rest = width - u32::from(bits);
    number
        .checked_shr(rest)
        .and_then(|number| number.checked_shl(rest))
        .unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let width = if written.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => width,
            Some(bits) => decimal(bits)
                .filter(|bits| *bits <= width)
                .ok_or(NetworkError::Bits(width))?,
        };
        let (address, bits) = match (written, written.to_canonical()) {
            // `::ffff:10.0.0.0/104` is 10.0.0.0/8.
            (IpAddr::V6(_), IpAddr::V4(address)) if bits >= 96 => (address.into(), bits - 96),
            _ => (written, bits),
        };
        let network = match address {
            IpAddr::V4(address) => {
                let kept = keep(address.to_bits().into(), 32, bits);
                IpAddr::V4(u32::try_from(kept).unwrap_or_default().into())
            }
            IpAddr::V6(address) => IpAddr::V6(keep(address.to_bits(), 128, bits).into()),
        };
        let network = Self {
            address: network,
            bits,
        };
        if network.address != address {
            return Err(NetworkError::Host(bits, network));
        }
        Ok(network)
    }
}

/// A number as it is written without signs and leading zeros.
fn decimal(text: &str) -> Option<u8> {
    let number: u8 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}
