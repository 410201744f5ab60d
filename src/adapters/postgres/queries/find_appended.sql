select leaf_index, event_id, leaf_hash
from audit.entry
where event_id = any($1)
order by leaf_index
