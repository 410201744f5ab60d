//! What the child can still do, found out by trying: the service says at its start what holds its readers, and a test
//! that nothing does not. Knows no file.

use crate::child::Confinement;
use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::net::UdpSocket;
use std::process::Command;

type Attempt = fn() -> io::Result<()>;

/// Tries what a program that was taken over would try first.
pub(super) fn probe(bound: &Confinement) -> Confinement {
    let tries: [(&str, Attempt); 4] = [
        ("read a file", || File::open("/proc/self/status").map(drop)),
        ("write a file", || File::create("/tmp/.docent-reader").map(drop)),
        ("open a socket", || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map(drop)),
        ("start a program", || Command::new("/bin/true").status().map(drop)),
    ];
    let possible = tries.into_iter().filter(|(_, attempt)| attempt().is_ok());
    Confinement { possible: possible.map(|(what, _)| what.to_owned()).collect(), ..bound.clone() }
}
