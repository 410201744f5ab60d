update versions
set status = case when json_array_length(warnings) = 0 then 'ready' else 'ready_with_warnings' end,
    coverage = $3::text::json,
    error = null
where document_id = $1 and number = $2
