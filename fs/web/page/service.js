// What is asked of the server.

// ask gives JSON, or throws an Error whose message is the server's reason and whose status is that of the answer.
export async function ask(url) {
  const answer = await fetch(url, { headers: { Accept: 'application/json' } });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw Object.assign(new Error(told.error || answer.statusText), { status: answer.status });
  }
  return answer.json();
}

// attributes gives attributes of an entry, by name.
export async function attributes(url, ...names) {
  return (await ask(`${url}?attributes=${names.join(',')}`)).attributes;
}
