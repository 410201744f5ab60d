-- The password of an encrypted file, sealed under the master key for the bytes of this file; goes with the version.
alter table versions add column password bytea;
