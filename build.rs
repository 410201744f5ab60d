//! A new migration is part of the binary: without this line cargo would not notice the file.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
