select
    users.name,
    users.roles,
    array(select collection_id from grants where user_id = users.id order by collection_id) as "collections!",
    array(select permission from grants where user_id = users.id order by collection_id) as "permissions!"
from users
where users.id = $1 and not users.disabled
