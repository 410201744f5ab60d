-- Jobs before documents, as everywhere: the order of locks is what keeps two transactions from waiting on each other.
select id from jobs where document_id = $1 and collection_id = any($2) order by id for update
