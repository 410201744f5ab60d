insert into uploads (id, owner_id, collection_id, document_id, title, file_name, password, bytes, expires_at)
select $1, $2, $3, $4, $5, $6, $7, $8, $9
where $10 > (select count(*) from uploads where owner_id = $2 and outcome is null and expires_at > now())
